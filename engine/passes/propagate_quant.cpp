// Data movement commutes with rounding: codes flow through it in either direction.
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::propagate_quant {
namespace {

bool moves_data(const Graph& graph, const Node& node) {
  if (node.op->quant == nullptr) return false;
  const QuantSpec spec = node.op->quant(graph, node);
  return !spec.anchor && !spec.outputs.empty() && spec.outputs[0].role == PortQuant::Role::shared;
}

// All quantizable inputs must carry the same per-tensor parameters.
QuantPtr common_quant(const Graph& graph, const Node& node) {
  const QuantSpec spec = node.op->quant(graph, node);
  QuantPtr common;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const auto role = i < spec.inputs.size()
                          ? spec.inputs[i].role
                          : (spec.inputs.empty() ? PortQuant::Role::real : spec.inputs.back().role);
    if (!node.has_input(i) || role == PortQuant::Role::real) continue;
    const Value& value = graph.value(node.inputs[i]);
    if (!value.quant || value.constant || !value.quant->per_tensor()) return nullptr;
    if (common && !same_quant(common, value.quant)) return nullptr;
    common = value.quant;
  }
  return common;
}

bool forward(Graph& graph, const Node& node) {
  const QuantPtr quant = common_quant(graph, node);
  if (!quant) return false;
  bool changed = false;
  for (const ValueId output : node.outputs) {
    if (output == kNoValue || graph.value(output).quant || graph.is_output(output)) continue;
    if (graph.value(output).type.dtype != DType::f32) continue;
    graph.value(output).quant = quant;
    changed = true;
  }
  return changed;
}

bool backward(Graph& graph, const Node& node) {
  if (node.outputs.size() != 1 || !node.has_output(0)) return false;
  const QuantPtr quant = graph.value(node.outputs[0]).quant;
  if (!quant || !quant->per_tensor()) return false;
  Value& source = graph.value(node.inputs[0]);
  if (source.quant || source.constant || source.producer == kNoNode) return false;
  if (!one_reads_elements(graph, node.inputs[0])) return false;
  const QuantSpec spec = node.op->quant(graph, node);
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    const auto role = i < spec.inputs.size() ? spec.inputs[i].role : PortQuant::Role::real;
    if (node.has_input(i) && role != PortQuant::Role::real) return false;
  }
  source.quant = quant;
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  bool changed = false;
  for (const NodeId id : graph.order())
    if (moves_data(graph, graph.node(id))) changed = forward(graph, graph.node(id)) || changed;
  const auto order = graph.order();
  for (auto at = order.rbegin(); at != order.rend(); ++at)
    if (moves_data(graph, graph.node(*at))) changed = backward(graph, graph.node(*at)) || changed;
  return changed;
}

}  // namespace octet::passes::propagate_quant
