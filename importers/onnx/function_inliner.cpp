#include <algorithm>

#include "engine/ir/log.h"
#include "engine/ops/op.h"
#include "importers/onnx/attribute_reader.h"
#include "importers/onnx/graph_builder.h"

namespace octet::onnx {

using octet_onnx::AttributeProto;
using octet_onnx::FunctionProto;
using octet_onnx::NodeProto;

Status GraphBuilder::index_functions() {
  for (const FunctionProto& function : model_.functions()) {
    const FunctionKey key{domain_of(function.domain()), function.name(), function.overload()};
    if (!functions_.emplace(key, &function).second)
      return invalid_model("function '{}' is defined twice", function.name());
  }
  return {};
}

const FunctionProto* GraphBuilder::find_function(const NodeProto& proto) const {
  const auto at =
      functions_.find(FunctionKey{domain_of(proto.domain()), proto.op_type(), proto.overload()});
  return at == functions_.end() ? nullptr : at->second;
}

Result<Bindings> GraphBuilder::bind_attributes(const NodeProto& proto,
                                               const FunctionProto& function,
                                               const Frame& frame) const {
  Bindings bindings;
  for (const AttributeProto& standard : function.attribute_proto())
    bindings[standard.name()] = &standard;
  const auto& names = function.attribute();
  for (const AttributeProto& attribute : proto.attribute()) {
    const bool known = bindings.contains(attribute.name()) ||
                       std::find(names.begin(), names.end(), attribute.name()) != names.end();
    if (!known) return unsupported("attribute '{}' is none of the function's", attribute.name());
    if (const AttributeProto* value = bound_attribute(attribute, frame))
      bindings[attribute.name()] = value;
  }
  return bindings;
}

Status GraphBuilder::inline_function(const NodeProto& proto, const FunctionProto& function,
                                     Scope& scope, const Frame& frame) {
  if (std::find(active_.begin(), active_.end(), &function) != active_.end())
    return invalid_model("the function calls itself");
  if (active_.size() >= limits_.max_function_depth)
    return Error{ErrorCode::limit, "function calls are nested deeper than " +
                                       std::to_string(limits_.max_function_depth) + " levels"};
  if (proto.input_size() > function.input_size() || proto.output_size() > function.output_size())
    return invalid_model("the function has fewer inputs or outputs than the call");
  OCTET_ASSIGN(const Bindings bindings, bind_attributes(proto, function, frame));
  OCTET_ASSIGN(const OpsetMap opsets, read_opsets(function.opset_import()));
  const Frame inner_frame{opsets, &bindings, frame.prefix + name_of(proto) + "/"};
  Scope inner{scope.graph};
  for (int i = 0; i < function.input_size(); ++i) {
    ValueId id = kNoValue;
    if (i < proto.input_size() && !proto.input(i).empty()) {
      OCTET_ASSIGN(id, resolve(scope, proto.input(i)));
    }
    OCTET_RETURN_IF_ERROR(define(inner, function.input(i), id));
  }
  // Outputs that are an input, or the same value as another output, need a node that copies.
  std::vector<std::pair<std::string, ValueId>> copies;
  for (int i = 0; i < proto.output_size(); ++i) {
    if (proto.output(i).empty()) continue;
    const std::string& name = function.output(i);
    const ValueId id = scope.names.at(proto.output(i));
    if (inner.names.contains(name) || !inner.promised.emplace(name, id).second)
      copies.emplace_back(name, id);
  }
  log::lazily(log::Level::debug, [&] {
    return label_of(proto) + ": the function's " + std::to_string(function.node_size()) +
           " nodes take its place";
  });
  active_.push_back(&function);
  OCTET_RETURN_IF_ERROR(nodes(function.node(), inner, inner_frame));
  active_.pop_back();
  if (!inner.promised.empty())
    return invalid_model("the function doesn't make its output '{}'",
                         inner.promised.begin()->first);
  for (const auto& [name, id] : copies)
    OCTET_RETURN_IF_ERROR(pass_through(inner, name, id, inner_frame));
  return {};
}

Status GraphBuilder::pass_through(Scope& inner, const std::string& from, ValueId to,
                                  const Frame& frame) {
  OCTET_ASSIGN(const ValueId id, resolve(inner, from));
  if (id == kNoValue) return invalid_model("output '{}' is an absent input", from);
  Node node;
  node.op = &require_op("", "Identity");
  node.opset = kMaxOpset;
  node.name = frame.prefix + from;
  node.inputs = {id};
  node.outputs = {to};
  OCTET_ASSIGN(node.attrs, node.op->attrs.read({}, kMaxOpset));
  inner.graph.add_node(std::move(node));
  return {};
}

}  // namespace octet::onnx
