#pragma once

#include "engine/quant/layer_ranges.h"
#include "engine/quant/quantize.h"

namespace octet::quant {

/// Asks for the ranges of the values that static quantization of this graph would store as codes.
void want_ranges(const Graph& graph, const QuantizeOptions& options, Observations& observations);

/// What static quantization knows of a graph.
struct Known {
  const Observations& observations;
  const LayerRanges& layers;  ///< What a tool said of layers goes before what was observed.
  const Floats& floats;       ///< Nodes that stay in float, by the graph's ids.
  /// The same graph, quantized: its weights' codes are taken. Null: codes are made.
  const Graph* rounded = nullptr;
};

/// Static quantization: sets the storage types of the selected values. Nodes of whose inputs no
/// range is known stay in float.
Result<Report> quantize_static(Graph& graph, const QuantizeOptions& options, const Known& known);

/// Dynamic quantization: activations are quantized while running, by DynamicQuantizeLinear in front
/// of integer MatMul and Conv nodes; recurrent weights become quantized constants.
Result<Report> quantize_dynamic(Graph& graph, const QuantizeOptions& options,
                                const Floats& floats = {});

/// Spells quantized Conv and MatMul as QLinearConv and QLinearMatMul (integer format).
Status to_integer_nodes(Graph& graph);

/// Embedding tables (constants that Gather reads rows of) become s8 per row.
Status quantize_embeddings(Graph& graph, const QuantizeOptions& options, const Floats& floats,
                           Report& report);

}  // namespace octet::quant
