#pragma once

#include "octet/octet_quantize.h"
#include "runtime/provider_module.h"

namespace octet::runtime {

/// What octet_quantize.so exports as `octet_provider`: the functions of octet_quantize.h. Unlike a
/// provider's, this module links the library and takes internal symbols of it, by a version that is
/// named after the release: the dynamic linker refuses a module of another one.
struct QuantizerModule {
  static constexpr uint32_t kVersion = 1;
  ModuleHead head;
  decltype(&octet_quantize_options_new) make;
  decltype(&octet_quantize_options_free) drop;
  decltype(&octet_quantize_options_set) set;
  decltype(&octet_quantize_options_set_run) set_run;
  decltype(&octet_quantize_options_set_samples) set_samples;
  decltype(&octet_quantize_options_set_progress) set_progress;
  decltype(&octet_quantize_options_set_report) set_report;
  decltype(&octet_quantize) quantize;
};

}  // namespace octet::runtime
