// Integers of which inference says that they are equal whatever the extents of the inputs (shapes
// and their arithmetic) become one value: each layer of a network computes the same ones again.
#include <map>
#include <set>

#include "engine/ops/op.h"
#include "engine/passes/pass.h"

namespace octet::passes::share_extents {
namespace {

constexpr size_t kMost = 64;  // elements; a shape has no more

bool is_name(const std::string& text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '?';
  };
  return !text.empty() && (text[0] < '0' || text[0] > '9') &&
         std::all_of(text.begin(), text.end(), fits);
}

// Whether each free extent of the inputs has a symbol of its own, which no sum or product of others
// can be mistaken for.
bool extents_are_independent(const Graph& graph) {
  std::set<std::string> seen;
  for (const ValueId id : graph.inputs)
    for (const Dim& dim : graph.value(id).type.shape.value_or(Shape()))
      if (!dim.known() && (!is_name(dim.to_string()) || !seen.insert(dim.to_string()).second))
        return false;
  return true;
}

// The graph, or a copy where each free extent of an input is a symbol of its own: a caller may give
// extents that differ for those that a model calls by one name. Null where that fits no operator.
std::shared_ptr<const Graph> with_independent_extents(const Graph& graph) {
  if (extents_are_independent(graph)) return {std::shared_ptr<void>(), &graph};
  const auto copy = graph.clone();
  for (const ValueId id : copy->inputs)
    if (auto& shape = copy->value(id).type.shape)
      for (Dim& dim : *shape)
        if (!dim.known()) dim = Dim::fresh();
  return infer_graph(*copy).ok() ? copy : nullptr;
}

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
  const auto inferred = with_independent_extents(graph);
  if (inferred == nullptr) return false;
  const std::vector<bool> late = values_known_late(graph);
  std::map<std::pair<std::string, std::string>, ValueId> seen;
  bool changed = false;
  for (const NodeId node : graph.order())
    for (const ValueId id : graph.node(node).outputs) {
      if (id == kNoValue || late[id]) continue;
      const Value& value = inferred->value(id);
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
