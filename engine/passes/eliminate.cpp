// Nodes that change nothing: Identity, Dropout without training, Cast to the same type, Reshape and
// Expand to the same shape, adding 0 and multiplying by 1.
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

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (!changes_nothing(graph, node)) continue;
    const ValueId input = node.inputs[0];
    const ValueId output = node.outputs[0];
    const bool kept =
        std::find(options.keep.begin(), options.keep.end(), output) != options.keep.end();
    // A result keeps its own name; codes of other parameters are a rounding.
    if (kept || graph.is_output(output)) continue;
    if (!same_quant(graph.value(input).quant, graph.value(output).quant)) continue;
    graph.replace_uses(output, input);
    graph.remove_node(id);
    changed = true;
  }
  return changed;
}

}  // namespace octet::passes::eliminate
