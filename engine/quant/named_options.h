#pragma once

#include <string_view>

#include "engine/quant/quantize.h"

namespace octet::quant {

/// Sets an option by the name and the word that the command line and the C interface know it by:
/// "mode" (static, dynamic, fp16, int4), "format" (qdq, integer), "calibrator" (minmax, moving,
/// percentile, entropy, mse), "activations" (8, 16), "states" (8, 16), "block-size" (16, 32, 64,
/// 128), "dynamic-scales" (row, tensor), "cost-model" (on, off), "algorithms" (default, none, or
/// names with commas between), "exclude" (a node's name; adds to the others). Fails with the words
/// that it takes.
Status set_option(QuantizeOptions& options, std::string_view name, std::string_view word);

/// Fails when the model, as imported, lacks a node that is excluded.
Status check_excluded(const Graph& graph, const QuantizeOptions& options);

}  // namespace octet::quant
