#pragma once

#include "engine/quant/quantize.h"

namespace octet::quant {

/// Whether a product of the graph (canonical, after the portable passes) reads codes on both sides:
/// a model that was trained with quantization, whose scales and zero points are in the graph.
bool comes_quantized(const Graph& graph);

/// Keeps what the graph quantizes: says of each product what it is, stores codes that need only 4
/// bits so, and spells the rest as the format asks. Nothing is calibrated.
Result<Report> keep_quantized(Graph& graph, const QuantizeOptions& options);

}  // namespace octet::quant
