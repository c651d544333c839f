// Nodes that change nothing: Identity, Dropout without training, Cast to the same type, Reshape and
// Expand to the same shape or to that of another operand which repeats it anyway, adding 0 and
// multiplying by 1.
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::eliminate {
namespace {

bool same_shape(const Graph& graph, ValueId a, ValueId b) {
  const Type& x = graph.value(a).type;
  const Type& y = graph.value(b).type;
  return x.shape && y.shape && *x.shape == *y.shape && x.dtype == y.dtype;
}

bool neutral_arithmetic(const Graph& graph, const Node& node) {
  const bool additive = node.op->name == "Add" || node.op->name == "Sub";
  const bool multiplicative = node.op->name == "Mul" || node.op->name == "Div";
  if (!additive && !multiplicative) return false;
  const auto number = scalar(graph, node.inputs[1]);
  return number && *number == (additive ? 0.0F : 1.0F) &&
         same_shape(graph, node.inputs[0], node.outputs[0]);
}

bool changes_nothing(const Graph& graph, const Node& node) {
  const std::string_view name = node.op->name;
  if (!node.op->domain.empty() || !node.has_input(0) || !node.has_output(0)) return false;
  if (name == "Identity") return true;
  if (name == "Dropout") return !node.has_output(1) && !node.has_input(2);
  if (name == "Cast" || name == "Reshape" || name == "Expand" || name == "Squeeze" ||
      name == "Unsqueeze" || name == "Flatten")
    return same_shape(graph, node.inputs[0], node.outputs[0]);
  return neutral_arithmetic(graph, node);
}

bool broadcasts(const Node& node) {
  constexpr std::string_view kNames[] = {"Add", "Sub", "Mul", "Div", "Where", "And", "Or"};
  return node.op->domain.empty() &&
         std::find(std::begin(kNames), std::end(kNames), node.op->name) != std::end(kNames);
}

// An operand that Expand gives the very shape of another one.
bool drop_expand(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (!broadcasts(node)) return false;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Node* expand = producer(graph, node.inputs[i], "Expand");
    if (expand == nullptr || graph.value(node.inputs[i]).quant) continue;
    const auto& wide = graph.value(node.inputs[i]).type.shape;
    for (size_t j = 0; wide && j < node.inputs.size(); ++j) {
      const auto& other = graph.value(node.inputs[j]).type.shape;
      if (j == i || !other || *other != *wide || node.inputs[j] == node.inputs[i]) continue;
      graph.set_input(id, i, expand->inputs[0]);
      return true;
    }
  }
  return false;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    changed = drop_expand(graph, id) || changed;
    const Node& node = graph.node(id);
    if (!changes_nothing(graph, node)) continue;
    const ValueId input = node.inputs[0];
    const ValueId output = node.outputs[0];
    // A result keeps its own name; codes of other parameters are a rounding.
    if (options.keeps(output) || graph.is_output(output)) continue;
    if (!same_quant(graph.value(input).quant, graph.value(output).quant)) continue;
    graph.replace_uses(output, input);
    graph.remove_node(id);
    changed = true;
  }
  return changed;
}

}  // namespace octet::passes::eliminate
