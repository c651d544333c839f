#include "runtime/quantizer/module.h"

// The module's side: this, api/quantize.cpp and all that only quantizing needs.

extern "C" __attribute__((visibility("default")))
const octet::runtime::QuantizerModule octet_provider;
extern "C" const octet::runtime::QuantizerModule octet_provider = {
    {octet::runtime::QuantizerModule::kVersion},
    octet_quantize_options_new,
    octet_quantize_options_free,
    octet_quantize_options_set,
    octet_quantize_options_set_run,
    octet_quantize_options_set_samples,
    octet_quantize_options_set_progress,
    octet_quantize_options_set_report,
    octet_quantize,
};
