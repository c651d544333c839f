#include "runtime/api/error.h"
#include "runtime/quantizer/module.h"

// The library's side: each function of octet_quantize.h loads the module and calls its own.

namespace {

using octet::Result;
using octet::runtime::QuantizerModule;

const Result<const QuantizerModule*>& module() {
  static const Result<const QuantizerModule*> once = []() -> Result<const QuantizerModule*> {
    OCTET_ASSIGN(const auto* head,
                 octet::runtime::load_module("quantize", QuantizerModule::kVersion));
    return reinterpret_cast<const QuantizerModule*>(head);
  }();
  return once;
}

// What `call` returns of the module, or why there is none.
template <typename F>
octet_error* with_module(F call) {
  return octet::api::guarded([&] {
    return module() ? call(**module()) : octet::api::to_c(octet::Error(module().error()));
  });
}

// The module that made `options`; null where there are none.
const QuantizerModule* maker(const octet_quantize_options* options) {
  return options == nullptr ? nullptr : *module();
}

}  // namespace

extern "C" {

octet_quantize_options* octet_quantize_options_new(void) {
  octet_quantize_options* made = nullptr;
  octet_error_free(with_module([&](const auto& its) -> octet_error* {
    made = its.make();
    return nullptr;
  }));
  return made;
}
void octet_quantize_options_free(octet_quantize_options* options) {
  if (const auto* its = maker(options)) its->drop(options);
}

octet_error* octet_quantize_options_set(octet_quantize_options* options, const char* name,
                                        const char* word) {
  return with_module([&](const auto& its) { return its.set(options, name, word); });
}
octet_error* octet_quantize_options_set_run(octet_quantize_options* options,
                                            const octet_options* run) {
  return with_module([&](const auto& its) { return its.set_run(options, run); });
}
void octet_quantize_options_set_samples(octet_quantize_options* options, size_t count,
                                        octet_sample sample, void* user) {
  if (const auto* its = maker(options)) its->set_samples(options, count, sample, user);
}
void octet_quantize_options_set_progress(octet_quantize_options* options, octet_progress progress,
                                         void* user) {
  if (const auto* its = maker(options)) its->set_progress(options, progress, user);
}
void octet_quantize_options_set_report(octet_quantize_options* options, octet_node_report report,
                                       void* user) {
  if (const auto* its = maker(options)) its->set_report(options, report, user);
}

octet_error* octet_quantize(const char* model, const char* output,
                            const octet_quantize_options* options) {
  return with_module([&](const auto& its) { return its.quantize(model, output, options); });
}

}  // extern "C"
