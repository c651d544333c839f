// A convolution of sequences by one tap is a product of its channels: MatMul over x seen as
// [batch, positions, channels], where Transposes on either side take that view into theirs.
#include <algorithm>

#include "engine/ops/conv.h"
#include "engine/ops/matmul.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::pointwise {
namespace {

using Perm = std::vector<int64_t>;
const Perm kSwap = {0, 2, 1};  // its own inverse

bool all_are(const std::vector<int64_t>& values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == wanted; });
}

bool is_pointwise(const Graph& graph, const Node& node) {
  if (node.op->name != "Conv" || !node.op->domain.empty()) return false;
  const auto& attrs = node.attrs.as<ops::ConvAttrs>();
  const Value& w = graph.value(node.inputs[1]);
  const auto& x = graph.value(node.inputs[0]).type;
  if (!w.constant || w.constant->rank() != 3 || w.constant->dims()[2] != 1 || !x.shape ||
      x.shape->size() != 3 || x.dtype != DType::f32)
    return false;
  const Tensor& weights = *w.constant;
  const bool by_channel =
      !w.quant || w.quant->per_tensor() || (w.quant->block == 0 && w.quant->axis == 0);
  return attrs.group == 1 && all_are(attrs.strides, 1) && all_are(attrs.pads, 0) &&
         (attrs.auto_pad == "NOTSET" || attrs.auto_pad == "VALID") &&
         attrs.epilogue == Epilogue{} && by_channel && weights.has_elements();
}

// [O, I, 1] as [O, I].
ValueId product_weights(Graph& graph, ValueId id) {
  const Value& w = graph.value(id);
  const Tensor& from = *w.constant;
  return graph.add_constant(graph.unique_name(w.name + "_matrix"),
                            from.reshaped({from.dims()[0], from.dims()[1]}), w.quant);
}

bool is_swapped(const Graph& graph, ValueId id) {
  const Node* transpose = producer(graph, id, "Transpose");
  return transpose != nullptr && ints_attr(*transpose, "perm") == kSwap &&
         same_quant(graph.value(transpose->inputs[0]).quant, graph.value(id).quant);
}

// Whether no Transpose is left that moves anything: readers are Transposes, or a gate that keeps
// the order in which its input lies. Elsewhere the convolution takes activations into its epilogue.
bool pays(const Graph& graph, const Node& conv) {
  const auto& uses = graph.value(conv.outputs[0]).uses;
  const auto all = [&](std::string_view name) {
    return !uses.empty() && std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
      const OpDef& op = *graph.node(use.node).op;
      return op.domain.empty() && op.name == name;
    });
  };
  return !graph.is_output(conv.outputs[0]) &&
         (all("Transpose") || (all("Split") && is_swapped(graph, conv.inputs[0])));
}

// The value that `id` is the swapped view of: what a Transpose in front took, or a new one.
ValueId swapped(Graph& graph, ValueId id, NodeId before) {
  if (is_swapped(graph, id)) return graph.node(graph.value(id).producer).inputs[0];
  const OpDef& def = require_op("", "Transpose");
  const ValueId out = graph.add_op(def, {id}, *def.attrs.read({{"perm", kSwap}}, kMaxOpset),
                                   graph.unique_name(graph.value(id).name + "_swapped"), before);
  Shape shape = *graph.value(id).type.shape;
  std::swap(shape[1], shape[2]);
  graph.value(out).type = Type::tensor(graph.value(id).type.dtype, shape);
  graph.value(out).quant = graph.value(id).quant;
  return out;
}

void rewrite(Graph& graph, NodeId id, const PassOptions& options) {
  const Node conv = graph.node(id);
  const ValueId y = conv.outputs[0];
  std::vector<ValueId> inputs = {swapped(graph, conv.inputs[0], id),
                                 product_weights(graph, conv.inputs[1])};
  if (conv.has_input(2)) inputs.push_back(conv.inputs[2]);
  ops::MatMulAttrs attrs;
  attrs.transpose_b = true;
  const ValueId z = graph.add_op(require_op("", "MatMul"), std::move(inputs), Attrs::of(attrs),
                                 graph.unique_name(graph.value(y).name + "_swapped"), id);
  graph.node(graph.value(z).producer).name = conv.name;
  Shape shape = *graph.value(y).type.shape;
  std::swap(shape[1], shape[2]);
  graph.value(z).type = Type::tensor(DType::f32, shape);
  graph.value(z).quant = graph.value(y).quant;
  // Transposes behind it read the product as it is.
  const std::vector<Use> uses = graph.value(y).uses;
  for (const Use& use : uses) {
    Node& node = graph.node(use.node);
    if (node.op->name != "Transpose" || !node.op->domain.empty()) continue;
    Perm perm = ints_attr(node, "perm");
    if (perm.size() != kSwap.size()) continue;
    for (int64_t& axis : perm) axis = kSwap[static_cast<size_t>(axis)];
    const ValueId out = node.outputs[0];
    const bool kept = graph.is_output(out) || options.keeps(out);
    if (std::is_sorted(perm.begin(), perm.end()) && !kept &&
        same_quant(graph.value(z).quant, graph.value(out).quant)) {
      graph.replace_uses(out, z);
      continue;
    }
    node.attrs = *node.op->attrs.read({{"perm", perm}}, kMaxOpset);
    graph.set_input(use.node, 0, z);
  }
  Node back = make_node("", "Transpose", {z}, {{"perm", kSwap}}, "");
  replace_producer(graph, y, std::move(back));
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    if (!graph.alive(id) || !is_pointwise(graph, graph.node(id))) continue;
    const auto& out = graph.value(graph.node(id).outputs[0]).type.shape;
    if (!out || out->size() != 3 || !pays(graph, graph.node(id))) continue;
    rewrite(graph, id, options);
    changed = true;
  }
  return changed;
}

}  // namespace octet::passes::pointwise
