#include "importers/onnx/opset_6.h"

#include <algorithm>

#include "engine/ops/op.h"

namespace octet::onnx {
namespace {

bool is_any_of(std::string_view name, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// Takes an integer out of the attributes.
std::optional<int64_t> take(AttrMap& attributes, std::string_view name) {
  const auto at = attributes.find(name);
  if (at == attributes.end()) return std::nullopt;
  const auto* value = std::get_if<int64_t>(&at->second);
  const auto taken = value == nullptr ? std::nullopt : std::optional(*value);
  if (taken) attributes.erase(at);
  return taken;
}

// Input 1 lies along the axes of input 0 from `axis` on: axes of extent 1 behind it say so.
Status align(Graph& graph, Node& node, int64_t axis) {
  const auto& x = graph.value(node.inputs[0]).type.shape;
  const auto& b = graph.value(node.inputs[1]).type.shape;
  if (!x || !b) return unsupported("broadcasting along an axis of inputs of unknown rank");
  const auto rank = static_cast<int64_t>(x->size());
  const auto own = static_cast<int64_t>(b->size());
  const bool fits = -rank <= axis && axis <= rank;
  const int64_t first = axis < 0 ? axis + rank : axis;
  const int64_t behind = fits ? rank - first - own : -1;
  if (behind < 0) return invalid_model("input 1 doesn't fit axis {}", axis);
  if (behind == 0 || own == 0) return {};
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < behind; ++i) axes.push_back(own + i);
  const std::string base = node.name + "_aligned";
  const ValueId list =
      graph.add_constant(graph.unique_name(base + "_axes"), Tensor::of(Dims{behind}, axes));
  const OpDef& unsqueeze = require_op("", "Unsqueeze");
  OCTET_ASSIGN(Attrs attrs, unsqueeze.attrs.read({}, kMaxOpset));
  node.inputs[1] =
      graph.add_op(unsqueeze, {node.inputs[1], list}, std::move(attrs), graph.unique_name(base));
  return {};
}

}  // namespace

Status upgrade_opset_6(Graph& graph, Node& node, AttrMap& attributes) {
  const std::string_view name = node.op->name;
  if (is_any_of(name, {"Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub",
                       "Xor"})) {
    const int64_t broadcast = take(attributes, "broadcast").value_or(0);
    const auto axis = take(attributes, "axis");
    return broadcast != 0 && axis ? align(graph, node, *axis) : Status();
  }
  if (name == "PRelu") {
    const auto& slope = graph.value(node.inputs[1]).type.shape;
    if (!slope) return unsupported("a slope of unknown rank");
    const bool shared = slope->empty() || (slope->size() == 1 && (*slope)[0] == Dim(1));
    return shared ? Status() : align(graph, node, 1);
  }
  if (name == "Gemm") take(attributes, "broadcast");
  if (is_any_of(name, {"BatchNormalization", "Dropout"}) &&
      take(attributes, "is_test").value_or(0) == 0)
    return unsupported("training");
  if (is_any_of(name, {"GRU", "LSTM", "RNN", "Upsample"}))
    return unsupported("opset 6 of the operator is not supported");
  return {};
}

}  // namespace octet::onnx
