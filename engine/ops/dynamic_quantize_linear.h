#pragma once

#include <tuple>

#include "engine/ir/graph.h"

namespace octet::ops {

/// ONNX's operator has no attributes: `rows` is set by the hint in a model's metadata
/// (importers/onnx/hints.h). Where all readers are products with constant weights, each row of the
/// input may then have a scale and zero point of its own (the pass row_scales).
struct DynamicQuantizeLinearAttrs {
  bool rows = false;
  static constexpr auto fields() { return std::tuple<>{}; }
};

/// Sets `rows` on every DynamicQuantizeLinear of the graph and its bodies; whether any has it.
void set_row_scales(Graph& graph);
bool has_row_scales(const Graph& graph);
bool has_row_scales(const Node& node);

}  // namespace octet::ops
