// Split in two, Sigmoid of the second half and their product become one octet.Glu.
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_glu {
namespace {

// Whether the two outputs of a Split are halves.
bool halves(const Graph& graph, const Node& split) {
  if (split.outputs.size() != 2 || !split.has_output(0) || !split.has_output(1)) return false;
  const Type& first = graph.value(split.outputs[0]).type;
  const Type& second = graph.value(split.outputs[1]).type;
  const auto& whole = graph.value(split.inputs[0]).type.shape;
  if (first.dtype != DType::f32 || !first.shape || !second.shape || !whole) return false;
  const auto axis = normalize_axis(int_attr(split, "axis", 0), whole->size());
  return axis && *first.shape == *second.shape &&
         (*first.shape)[*axis] + (*second.shape)[*axis] == (*whole)[*axis];
}

std::optional<Node> glu(const Graph& graph, const Node& mul) {
  for (size_t i = 0; i < 2; ++i) {
    const ValueId kept = mul.inputs[1 - i];
    const Node* sigmoid = producer(graph, mul.inputs[i], "Sigmoid");
    const Node* split = producer(graph, kept, "Split");
    if (sigmoid == nullptr || split == nullptr || !inner(graph, mul.inputs[i]) ||
        !inner(graph, kept) || !inner(graph, sigmoid->inputs[0]))
      continue;
    if (!halves(graph, *split) || split->outputs[0] != kept ||
        split->outputs[1] != sigmoid->inputs[0])
      continue;
    return make_node(kOctetDomain, "Glu", {split->inputs[0]},
                     {{"axis", int_attr(*split, "axis", 0)}}, mul.name);
  }
  return std::nullopt;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  return rewrite_each(graph, "Mul", glu);
}

}  // namespace octet::passes::fuse_glu
