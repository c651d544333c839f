// The nine nodes that exporters below opset 17 write for layer normalization become one
// LayerNormalization over the last axis (https://arxiv.org/abs/1607.06450).
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_layer_norm {
namespace {

bool mean_over_last(const Graph& graph, const Node& node) {
  if (int_attr(node, "keepdims", 1) != 1 || node.inputs.size() < 2) return false;
  const Tensor* axes = graph.constant(node.inputs[1]);
  const auto& shape = graph.value(node.inputs[0]).type.shape;
  if (axes == nullptr || axes->count() != 1 || !shape) return false;
  const auto axis = normalize_axis(axes->to_int64()[0], shape->size());
  return axis && *axis + 1 == shape->size();
}

// The value x of d = Sub(x, ReduceMean(x)).
std::optional<ValueId> centered(const Graph& graph, ValueId id) {
  const Node* sub = producer(graph, id, "Sub");
  if (sub == nullptr) return std::nullopt;
  const Node* mean = producer(graph, sub->inputs[1], "ReduceMean");
  if (mean == nullptr || mean->inputs[0] != sub->inputs[0] || !mean_over_last(graph, *mean))
    return std::nullopt;
  return sub->inputs[0];
}

// epsilon of s = Sqrt(Add(ReduceMean(Pow(d, 2)), epsilon)).
std::optional<float> deviation(const Graph& graph, ValueId id, ValueId d) {
  const Node* root = producer(graph, id, "Sqrt");
  const Node* add = root == nullptr ? nullptr : producer(graph, root->inputs[0], "Add");
  const auto variance = add == nullptr ? std::nullopt : with_scalar(graph, *add);
  if (!variance) return std::nullopt;
  const Node* mean = producer(graph, variance->first, "ReduceMean");
  if (mean == nullptr || !mean_over_last(graph, *mean)) return std::nullopt;
  if (const Node* pow = producer(graph, mean->inputs[0], "Pow"))
    return pow->inputs[0] == d && is_scalar(graph, pow->inputs[1], 2.0F)
               ? std::optional(variance->second)
               : std::nullopt;
  const Node* mul = producer(graph, mean->inputs[0], "Mul");
  const bool square = mul != nullptr && mul->inputs[0] == d && mul->inputs[1] == d;
  return square ? std::optional(variance->second) : std::nullopt;
}

// For y = op(a, constant row): the other operand and the constant.
std::optional<std::pair<ValueId, ValueId>> with_row(const Graph& graph, const Node& node,
                                                    const Dim& width) {
  for (size_t i = 0; i < 2; ++i) {
    const Tensor* row = graph.constant(node.inputs[i]);
    if (row != nullptr && row->rank() == 1 && Dim(row->dims()[0]) == width &&
        !graph.value(node.inputs[i]).quant)
      return std::pair(node.inputs[1 - i], node.inputs[i]);
  }
  return std::nullopt;
}

bool fuse(Graph& graph, NodeId id) {
  const Node& add = graph.node(id);
  const auto& shape = graph.value(add.outputs[0]).type.shape;
  if (!shape || shape->empty()) return false;
  const auto shifted = with_row(graph, add, shape->back());
  if (!shifted || !inner(graph, shifted->first)) return false;
  const Node* mul = producer(graph, shifted->first, "Mul");
  const auto scaled = mul == nullptr ? std::nullopt : with_row(graph, *mul, shape->back());
  if (!scaled || !inner(graph, scaled->first)) return false;
  const Node* div = producer(graph, scaled->first, "Div");
  if (div == nullptr) return false;
  const auto x = centered(graph, div->inputs[0]);
  const auto epsilon = x ? deviation(graph, div->inputs[1], div->inputs[0]) : std::nullopt;
  if (!epsilon) return false;
  const AttrMap attrs = {{"axis", int64_t{-1}}, {"epsilon", *epsilon}};
  const ValueId output = add.outputs[0];
  replace_producer(
      graph, output,
      make_node("", "LayerNormalization", {*x, scaled->second, shifted->second}, attrs, add.name));
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  return change_each(graph, "Add", [&](NodeId id) { return fuse(graph, id); });
}

}  // namespace octet::passes::fuse_layer_norm
