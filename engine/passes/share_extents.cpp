// Integers of which inference says that they are equal (shapes and their arithmetic) become one
// value: each layer of a network computes the same ones again.
#include <map>
#include <set>

#include "engine/ops/op.h"
#include "engine/passes/pass.h"

namespace octet::passes::share_extents {
namespace {

constexpr size_t kMost = 64;  // elements; a shape has no more

// By value: whether it follows from what only a run can tell the dims of, whatever its symbols.
std::vector<bool> values_known_late(const Graph& graph) {
  std::vector<bool> late(graph.value_capacity(), false);
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    bool any = node.op->infer == nullptr || !node.bodies.empty();
    for (const ValueId input : node.inputs)
      any = any || (input != kNoValue && (late[input] || graph.value(input).type.boxed()));
    for (const ValueId output : node.outputs)
      if (output != kNoValue) late[output] = any;
  }
  return late;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  const std::vector<bool> late = values_known_late(graph);
  std::map<std::pair<std::string, std::string>, ValueId> seen;
  bool changed = false;
  for (const NodeId node : graph.order())
    for (const ValueId id : graph.node(node).outputs) {
      if (id == kNoValue || late[id]) continue;
      const Value& value = graph.value(id);
      if (!value.elements || value.elements->size() > kMost || value.quant) continue;
      const auto [first, added] =
          seen.try_emplace({value.type.to_string(), to_string(*value.elements)}, id);
      if (added || graph.value(id).uses.empty() || graph.is_output(id) || options.keeps(id))
        continue;
      graph.replace_uses(id, first->second);
      changed = true;
    }
  return changed;
}

}  // namespace octet::passes::share_extents
