// Common subexpressions: nodes of the same operator, attributes and inputs become one. Exporters
// repeat shape arithmetic and masks in every layer.
#include <map>

#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::share_common {
namespace {

// Small integer constants are compared by content, so that repeated axes and bounds count as equal.
void merge_constants(Graph& graph) {
  constexpr size_t kSmall = 64;
  std::map<std::pair<DType, std::pair<Dims, std::vector<std::byte>>>, ValueId> seen;
  for (ValueId id = 0; id < graph.value_capacity(); ++id) {
    if (!graph.alive_value(id)) continue;
    const Value& value = graph.value(id);
    if (!value.constant || value.quant || value.constant->bytes().size() > kSmall) continue;
    if (graph.is_input(id) || graph.is_output(id) || value.constant->dtype() == DType::string)
      continue;
    const auto bytes = value.constant->bytes();
    const auto [at, added] = seen.try_emplace(
        {value.constant->dtype(), {value.constant->dims(), {bytes.begin(), bytes.end()}}}, id);
    if (!added) graph.replace_uses(id, at->second);
  }
}

bool same_attrs(const Node& a, const Node& b) {
  const auto same_at = [&](int opset_a, int opset_b) {
    return a.op->attrs.write(a.attrs, opset_a) == b.op->attrs.write(b.attrs, opset_b);
  };
  return same_at(a.opset, b.opset) && same_at(kMaxOpset, kMaxOpset);
}

bool mergeable(const Graph& graph, const Node& node, const PassOptions& options) {
  if (!node.op->foldable || !node.bodies.empty() || !node.op->domain.empty()) return false;
  for (const ValueId output : node.outputs) {
    if (output == kNoValue) continue;
    if (graph.is_output(output) || graph.value(output).quant || options.keeps(output)) return false;
  }
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  merge_constants(graph);
  bool changed = false;
  std::map<std::pair<const OpDef*, std::vector<ValueId>>, std::vector<NodeId>> seen;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (!mergeable(graph, node, options)) continue;
    auto& twins = seen[{node.op, node.inputs}];
    const auto twin = std::find_if(twins.begin(), twins.end(), [&](NodeId other) {
      const Node& first = graph.node(other);
      return first.outputs.size() == node.outputs.size() && same_attrs(first, node);
    });
    if (twin == twins.end()) {
      twins.push_back(id);
      continue;
    }
    bool complete = true;
    for (size_t i = 0; i < node.outputs.size(); ++i)
      complete = complete && (!node.has_output(i) || graph.node(*twin).has_output(i));
    if (!complete) continue;
    for (size_t i = 0; i < node.outputs.size(); ++i)
      if (node.has_output(i)) graph.replace_uses(node.outputs[i], graph.node(*twin).outputs[i]);
    graph.remove_node(id);
    changed = true;
  }
  return changed;
}

}  // namespace octet::passes::share_common
