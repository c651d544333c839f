#include "engine/ops/common/rewrite.h"

#include <algorithm>

namespace octet::ops {
namespace {

Result<Node> make(std::string_view domain, std::string_view name, std::vector<ValueId> inputs,
                  const AttrMap& attrs) {
  Node node;
  node.op = find_op(domain, name);
  if (node.op == nullptr) return unsupported("needs {}", name);
  node.opset = kWrittenOpset;
  node.inputs = std::move(inputs);
  OCTET_ASSIGN(node.attrs, node.op->attrs.read(attrs, kMaxOpset));
  return node;
}

}  // namespace

Rewriter::Rewriter(Graph& graph, NodeId id) : graph_(graph), id_(id) {
  const auto order = graph.order();
  const auto at = std::find(order.begin(), order.end(), id);
  if (at != order.end() && at + 1 != order.end()) next_ = *(at + 1);
  const Node& node = graph.node(id);
  base_ = node.has_output(0) ? graph.value(node.outputs[0]).name : node.name;
}

Result<ValueId> Rewriter::before(std::string_view op, std::vector<ValueId> inputs,
                                 const AttrMap& attrs, const std::string& output,
                                 std::string_view domain) {
  OCTET_ASSIGN(Node node, make(domain, op, std::move(inputs), attrs));
  const ValueId value = graph_.add_value(graph_.unique_name(output));
  node.name = graph_.value(value).name;
  node.outputs = {value};
  const NodeId added = graph_.add_node(std::move(node), id_);
  OCTET_RETURN_IF_ERROR(infer_node(graph_, added));
  return value;
}

Status Rewriter::after(std::string_view op, std::vector<ValueId> inputs, const AttrMap& attrs,
                       ValueId output) {
  OCTET_ASSIGN(Node node, make("", op, std::move(inputs), attrs));
  node.name = graph_.value(output).name;
  node.outputs = {output};
  graph_.add_node(std::move(node), next_);
  return {};
}

ValueId Rewriter::constant(const Tensor& tensor, const std::string& name) {
  return graph_.add_constant(graph_.unique_name(name), tensor);
}

void Rewriter::finish(ValueId value) {
  const ValueId output = graph_.node(id_).outputs[0];
  const NodeId producer = graph_.value(value).producer;
  graph_.remove_node(id_);
  const auto& outputs = graph_.node(producer).outputs;
  const auto port =
      static_cast<size_t>(std::find(outputs.begin(), outputs.end(), value) - outputs.begin());
  graph_.set_output(producer, port, output);
  graph_.replace_uses(value, output);
  graph_.remove_value(value);
}

Status flatten_from_axis(const CanonicalContext& context, int64_t axis, Attrs last_axis) {
  Graph& graph = context.graph;
  context.node().attrs = std::move(last_axis);
  const ValueId x = context.node().inputs[0];
  const auto& shape = graph.value(x).type.shape;
  if (axis == -1 || (shape && axis >= 0 && static_cast<size_t>(axis) + 1 == shape->size()))
    return {};
  const ValueId y = context.node().outputs[0];
  const std::string name = graph.value(y).name;
  Rewriter rewrite(graph, context.id);
  OCTET_ASSIGN(const ValueId dims, rewrite.before("Shape", {x}, {}, name + "_dims"));
  OCTET_ASSIGN(const ValueId flat,
               rewrite.before("Flatten", {x}, {{"axis", axis}}, name + "_flat"));
  graph.set_input(context.id, 0, flat);
  const ValueId rows = graph.add_value(graph.unique_name(name + "_rows"));
  graph.set_output(context.id, 0, rows);
  return rewrite.after("Reshape", {rows, dims}, {{"allowzero", int64_t{1}}}, y);
}

}  // namespace octet::ops
