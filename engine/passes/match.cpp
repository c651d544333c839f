#include "engine/passes/match.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::passes {

NodeId producer_id(const Graph& graph, ValueId id, std::string_view name) {
  if (id == kNoValue) return kNoNode;
  const NodeId made_by = graph.value(id).producer;
  if (made_by == kNoNode) return kNoNode;
  const OpDef& op = *graph.node(made_by).op;
  return op.domain.empty() && op.name == name ? made_by : kNoNode;
}

const Node* producer(const Graph& graph, ValueId id, std::string_view name) {
  const NodeId node = producer_id(graph, id, name);
  return node == kNoNode ? nullptr : &graph.node(node);
}

std::optional<Epilogue> clamp_of(const Graph& graph, const Node& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (!node.op->domain.empty()) return std::nullopt;
  if (node.op->name == "Relu") return Epilogue{.activation = Activation::relu};
  if (node.op->name != "Clip") return std::nullopt;
  Epilogue clamp{.activation = Activation::clip, .alpha = -kInfinity, .beta = kInfinity};
  for (const size_t i : {1, 2}) {
    if (!node.has_input(i)) continue;
    const auto bound = scalar(graph, node.inputs[i]);
    if (!bound) return std::nullopt;
    (i == 1 ? clamp.alpha : clamp.beta) = *bound;
  }
  return clamp;
}

bool inner(const Graph& graph, ValueId id) {
  return graph.single_use(id) && !graph.value(id).quant;
}

NodeId only_consumer(const Graph& graph, ValueId id) {
  return inner(graph, id) ? graph.value(id).uses[0].node : kNoNode;
}

std::optional<float> scalar(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.constant(id);
  if (tensor == nullptr || tensor->count() != 1 || graph.value(id).quant) return std::nullopt;
  const auto values = tensor->to_float();
  if (values.empty()) return std::nullopt;
  return values[0];
}

bool is_scalar(const Graph& graph, ValueId id, float value) {
  const auto number = scalar(graph, id);
  return number && std::fabs(*number - value) <= 1e-6F * std::fabs(value);
}

std::optional<std::pair<ValueId, float>> with_scalar(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 2 || !node.has_input(0) || !node.has_input(1)) return std::nullopt;
  if (const auto right = scalar(graph, node.inputs[1])) return std::pair(node.inputs[0], *right);
  if (const auto left = scalar(graph, node.inputs[0])) return std::pair(node.inputs[1], *left);
  return std::nullopt;
}

bool one_reads_elements(const Graph& graph, ValueId id) {
  const auto asks_dims = [&](const Use& use) {
    const OpDef& op = *graph.node(use.node).op;
    return op.domain.empty() && (op.name == "Shape" || op.name == "Size");
  };
  const auto reads = [&](const Use& use) {
    const Node& node = graph.node(use.node);
    if (asks_dims(use)) return false;
    if (!node.op->domain.empty() || node.op->name != "Transpose") return true;
    const auto& uses = graph.value(node.outputs[0]).uses;
    return graph.is_output(node.outputs[0]) || !std::all_of(uses.begin(), uses.end(), asks_dims);
  };
  const auto& uses = graph.value(id).uses;
  return std::count_if(uses.begin(), uses.end(), reads) == 1 && !graph.is_output(id);
}

NodeId replace_producer(Graph& graph, ValueId output, Node node) {
  const NodeId old = graph.value(output).producer;
  const auto order = graph.order();
  const auto at = std::find(order.begin(), order.end(), old);
  const NodeId next = std::next(at) == order.end() ? kNoNode : *std::next(at);
  graph.remove_node(old);
  node.outputs = {output};
  return graph.add_node(std::move(node), next);
}

bool rewrite_each(Graph& graph, std::string_view name,
                  std::optional<Node> (*match)(const Graph& graph, const Node& node)) {
  return change_each(graph, name, [&](NodeId id) {
    auto found = match(graph, graph.node(id));
    if (found) replace_producer(graph, graph.node(id).outputs[0], std::move(*found));
    return found.has_value();
  });
}

Node make_node(std::string_view domain, std::string_view name, std::vector<ValueId> inputs,
               const AttrMap& attrs, std::string node_name) {
  Node node;
  node.op = &require_op(domain, name);
  node.opset = kMaxOpset;
  node.name = std::move(node_name);
  node.inputs = std::move(inputs);
  auto read = node.op->attrs.read(attrs, kMaxOpset);
  assert(read.ok());
  node.attrs = std::move(*read);
  return node;
}

namespace {

template <typename T>
T attr_or(const Node& node, std::string_view name, T otherwise) {
  const AttrMap map = node.op->attrs.write(node.attrs, kMaxOpset);
  const auto at = map.find(name);
  if (at == map.end()) return otherwise;
  const T* value = std::get_if<T>(&at->second);
  return value == nullptr ? otherwise : *value;
}

}  // namespace

float float_attr(const Node& node, std::string_view name, float otherwise) {
  return attr_or(node, name, otherwise);
}
int64_t int_attr(const Node& node, std::string_view name, int64_t otherwise) {
  return attr_or(node, name, otherwise);
}
std::string string_attr(const Node& node, std::string_view name, std::string otherwise) {
  return attr_or(node, name, std::move(otherwise));
}
std::vector<int64_t> ints_attr(const Node& node, std::string_view name) {
  return attr_or(node, name, std::vector<int64_t>());
}

}  // namespace octet::passes
