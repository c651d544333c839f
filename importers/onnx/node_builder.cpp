#include <algorithm>

#include "engine/ir/stop.h"
#include "engine/ops/common/signature.h"
#include "engine/ops/op.h"
#include "importers/onnx/attribute_reader.h"
#include "importers/onnx/graph_builder.h"
#include "importers/onnx/opset_6.h"

namespace octet::onnx {

using octet_onnx::AttributeProto;
using octet_onnx::NodeProto;

std::string name_of(const NodeProto& proto) {
  if (!proto.name().empty()) return proto.name();
  for (const auto& output : proto.output())
    if (!output.empty()) return output;
  return {};
}

std::string label_of(const NodeProto& proto) {
  const std::string domain = domain_of(proto.domain());
  return (domain.empty() ? "" : domain + ".") + proto.op_type() + " '" + name_of(proto) + "'";
}

const AttributeProto* bound_attribute(const AttributeProto& proto, const Frame& frame) {
  if (proto.ref_attr_name().empty()) return &proto;
  if (frame.bindings == nullptr) return nullptr;
  const auto at = frame.bindings->find(proto.ref_attr_name());
  return at == frame.bindings->end() ? nullptr : at->second;
}

Status GraphBuilder::nodes(const NodeProtos& protos, Scope& scope, const Frame& frame) {
  for (const NodeProto& proto : protos)
    if (auto status = declare(proto, scope, frame); !status)
      return std::move(status).error().in(label_of(proto));
  for (const NodeProto& proto : protos) OCTET_RETURN_IF_ERROR(node(proto, scope, frame));
  return {};
}

static bool is_constant(const NodeProto& proto) {
  return proto.op_type() == "Constant" && domain_of(proto.domain()).empty();
}

Status GraphBuilder::declare(const NodeProto& proto, Scope& scope, const Frame& frame) {
  if (++node_count_ > limits_.max_nodes)
    return Error{ErrorCode::limit,
                 "the model has more than " + std::to_string(limits_.max_nodes) + " nodes"};
  for (const auto& name : proto.output()) {
    if (name.empty()) continue;
    // A function's output is the caller's value already, until a node claims it.
    const auto bound = scope.promised.find(name);
    ValueId id = kNoValue;
    if (bound != scope.promised.end()) {
      id = bound->second;
      scope.promised.erase(bound);
    } else {
      id = new_value(scope, frame.prefix, name);
    }
    OCTET_RETURN_IF_ERROR(define(scope, name, id));
  }
  if (!is_constant(proto)) return {};
  if (proto.output_size() != 1 || proto.output(0).empty() || proto.input_size() != 0)
    return invalid_model("a Constant takes no input and gives one output");
  OCTET_ASSIGN(Tensor tensor, constant_node(proto, frame));
  Value& value = scope.graph.value(scope.names.at(proto.output(0)));
  value.type = Type::tensor(tensor.dtype(), to_shape(tensor.dims()));
  value.constant = std::move(tensor);
  return {};
}

Result<Tensor> GraphBuilder::constant_node(const NodeProto& proto, const Frame& frame) {
  const AttributeProto* found = nullptr;
  std::string name;
  for (const AttributeProto& attribute : proto.attribute()) {
    const AttributeProto* value = bound_attribute(attribute, frame);
    if (value == nullptr) continue;
    if (found != nullptr) return invalid_model("a Constant has more than one value");
    found = value;
    name = attribute.name();
  }
  if (found == nullptr) return invalid_model("a Constant has no value");
  return read_constant(*found, name, tensors_);
}

Status GraphBuilder::node(const NodeProto& proto, Scope& scope, const Frame& frame) {
  OCTET_RETURN_IF_ERROR(check_stop());
  if (is_constant(proto)) return {};
  if (const auto* function = find_function(proto)) {
    if (auto status = inline_function(proto, *function, scope, frame); !status)
      return std::move(status).error().in(label_of(proto));
    return {};
  }
  Node node;
  node.name = frame.prefix + name_of(proto);
  if (auto status = operator_node(proto, node, scope, frame); !status)
    return std::move(status).error().in(label_of(proto));
  scope.graph.add_node(std::move(node));
  return {};
}

Status GraphBuilder::operator_node(const NodeProto& proto, Node& node, Scope& scope,
                                   const Frame& frame) {
  const std::string domain = domain_of(proto.domain());
  node.op = domain == kOctetDomain ? nullptr : find_op(domain, proto.op_type());
  if (node.op == nullptr) return unsupported("the operator is not supported");
  const auto opset = frame.opsets.find(domain);
  if (opset == frame.opsets.end())
    return invalid_model("domain '{}' is not among the imported opsets", domain);
  node.opset = opset->second;
  if (node.opset < node.op->since || node.opset > node.op->until)
    return unsupported("opset {} of the operator is not supported", node.opset);
  // Attributes of opset 6 say how inputs broadcast, so the inputs come first.
  OCTET_RETURN_IF_ERROR(read_ports(proto, node, scope));
  OCTET_RETURN_IF_ERROR(read_attributes(proto, node, scope, frame));
  return read_bodies(proto, node, scope, frame);
}

Status GraphBuilder::read_attributes(const NodeProto& proto, Node& node, Scope& scope,
                                     const Frame& frame) {
  AttrMap map;
  for (const AttributeProto& attribute : proto.attribute()) {
    const AttributeProto* value = bound_attribute(attribute, frame);
    if (value == nullptr) continue;
    const auto& bodies = node.op->bodies;
    if (std::find(bodies.begin(), bodies.end(), attribute.name()) != bodies.end()) continue;
    OCTET_ASSIGN(AttrValue read, read_attribute(*value, tensors_));
    if (!map.emplace(attribute.name(), std::move(read)).second)
      return invalid_model("attribute '{}' is given twice", attribute.name());
  }
  if (node.opset == 6 && node.op->domain.empty())
    OCTET_RETURN_IF_ERROR(upgrade_opset_6(scope.graph, node, map));
  OCTET_ASSIGN(node.attrs, node.op->attrs.read(map, node.opset));
  return {};
}

Status GraphBuilder::read_ports(const NodeProto& proto, Node& node, Scope& scope) {
  const Arity& in = node.op->inputs;
  const Arity& out = node.op->outputs;
  for (const auto& name : proto.input()) {
    ValueId id = kNoValue;
    if (!name.empty()) {
      OCTET_ASSIGN(id, resolve(scope, name));
    }
    node.inputs.push_back(id);
  }
  for (const auto& name : proto.output())
    node.outputs.push_back(name.empty() ? kNoValue : scope.names.at(name));
  const auto named = [](ValueId id) { return id != kNoValue; };
  if (std::none_of(node.outputs.begin(), node.outputs.end(), named))
    return invalid_model("none of its outputs has a name");
  if (out.min == 1 && out.max >= 0 && node.outputs[0] == kNoValue)
    return invalid_model("its output 0 has no name");
  // Operators make these whether or not they are named, and their number says how many there are.
  const size_t made = out.max < 0 ? node.outputs.size() : static_cast<size_t>(out.min);
  for (size_t i = 0; i < std::min(made, node.outputs.size()); ++i)
    if (node.outputs[i] == kNoValue)
      node.outputs[i] = scope.graph.add_value(scope.graph.unique_name(proto.name() + "_unused"));
  while (static_cast<int>(node.inputs.size()) > in.min && node.inputs.back() == kNoValue)
    node.inputs.pop_back();
  const auto outside = [](size_t count, const Arity& arity) {
    const auto n = static_cast<int64_t>(count);
    return n < arity.min || (arity.max >= 0 && n > arity.max);
  };
  const size_t most = most_inputs(*node.op).value_or(node.inputs.size());
  if (outside(node.inputs.size(), in) || node.inputs.size() > most)
    return invalid_model("it has {} inputs", node.inputs.size());
  if (outside(node.outputs.size(), out))
    return invalid_model("it has {} outputs", node.outputs.size());
  // What signatures say of old forms and of operators with bodies, which may leave out leading
  // inputs (Loop), is checked by inference; nothing else looks before it.
  const size_t required = in.max < 0 ? node.inputs.size() : static_cast<size_t>(in.min);
  for (size_t i = 0; i < required; ++i)
    if (node.inputs[i] == kNoValue && (node.op->bodies.empty() || requires_input(*node.op, i)))
      return invalid_model("its input {} is missing", i);
  return {};
}

Status GraphBuilder::read_bodies(const NodeProto& proto, Node& node, Scope& scope,
                                 const Frame& frame) {
  std::vector<std::vector<std::pair<ValueId, ValueId>>> captured;
  std::vector<ValueId> all;
  for (const std::string_view wanted : node.op->bodies) {
    const auto at = std::find_if(proto.attribute().begin(), proto.attribute().end(),
                                 [&](const auto& a) { return a.name() == wanted; });
    const bool found = at != proto.attribute().end();
    if (!found || attribute_kind(*at) != AttributeProto::GRAPH || !at->has_g())
      return invalid_model("its subgraph '{}' is missing", wanted);
    auto graph = std::make_shared<Graph>();
    Scope inner{*graph, &scope};
    OCTET_RETURN_IF_ERROR(body(at->g(), inner, frame));
    for (const auto& [outer, id] : inner.captured)
      if (std::find(all.begin(), all.end(), outer) == all.end()) all.push_back(outer);
    captured.push_back(std::move(inner.captured));
    node.bodies.push_back(std::move(graph));
  }
  for (size_t b = 0; b < node.bodies.size(); ++b) {
    Graph& graph = *node.bodies[b];
    std::unordered_map<ValueId, ValueId> ids(captured[b].begin(), captured[b].end());
    for (const ValueId outer : all) {
      const auto at = ids.find(outer);
      const Value& value = scope.graph.value(outer);
      graph.inputs.push_back(at != ids.end() ? at->second
                                             : graph.add_value(value.name, value.type));
    }
  }
  node.inputs.insert(node.inputs.end(), all.begin(), all.end());
  node.captures = all.size();
  return {};
}

}  // namespace octet::onnx
