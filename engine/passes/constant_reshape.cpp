// Reshape to extents that are numbers, or those of the input at the same axes, takes a constant
// shape (0 copies an extent): the arithmetic that computed it goes.
#include "engine/ops/op.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::constant_reshape {
namespace {

std::optional<std::vector<int64_t>> constant_shape(const Graph& graph, const Node& node) {
  const auto& wanted = graph.value(node.inputs[1]).elements;
  const auto& from = graph.value(node.inputs[0]).type.shape;
  if (!wanted || !from) return std::nullopt;
  std::vector<int64_t> shape;
  for (size_t i = 0; i < wanted->size(); ++i) {
    const Dim& dim = (*wanted)[i];
    const bool copied = i < from->size() && (*from)[i] == dim;
    if (!dim.known() && !copied) return std::nullopt;
    shape.push_back(dim.known() ? dim.value() : 0);
  }
  return shape;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->name != "Reshape" || !node.op->domain.empty()) continue;
    if (graph.constant(node.inputs[1]) != nullptr || int_attr(node, "allowzero", 0) != 0) continue;
    const auto shape = constant_shape(graph, node);
    if (!shape) continue;
    const std::string name = graph.unique_name(graph.value(node.inputs[1]).name + "_constant");
    const Dims dims{static_cast<int64_t>(shape->size())};
    graph.set_input(id, 1, graph.add_constant(name, Tensor::of(dims, *shape)));
    changed = true;
  }
  return changed;
}

}  // namespace octet::passes::constant_reshape
