#pragma once

#include "engine/quant/layer_ranges.h"
#include "engine/quant/quantize.h"

namespace octet::quant {

/// Asks for the ranges of the values that static quantization of this graph would store as codes.
void want_ranges(const Graph& graph, const QuantizeOptions& options, Observations& observations);

/// Static quantization: sets the storage types of the selected values from what was observed of
/// them, or from what a tool said of layers (may be null), which goes first. Nodes of whose inputs
/// no range is known stay in float.
Result<Report> quantize_static(Graph& graph, const QuantizeOptions& options,
                               const Observations& observations, const LayerRanges* layers);

/// Dynamic quantization: activations are quantized while running, by DynamicQuantizeLinear in front
/// of integer MatMul and Conv nodes; recurrent weights become quantized constants.
Result<Report> quantize_dynamic(Graph& graph, const QuantizeOptions& options);

/// Spells quantized Conv and MatMul as QLinearConv and QLinearMatMul (integer format).
Status to_integer_nodes(Graph& graph);

/// Embedding tables (constants that Gather reads rows of) become s8 per row.
Status quantize_embeddings(Graph& graph, const QuantizeOptions& options, Report& report);

}  // namespace octet::quant
