#include <algorithm>

#include "engine/ops/evaluate.h"
#include "engine/ops/op.h"
#include "importers/onnx/graph_writer.h"
#include "importers/onnx/proto_writer.h"

namespace octet::onnx {

using octet_onnx::GraphProto;
using octet_onnx::NodeProto;

namespace {

void trim(google::protobuf::RepeatedPtrField<std::string>& list) {
  while (!list.empty() && list[list.size() - 1].empty()) list.RemoveLast();
}

// Scale or zero point as a file spells it: a scalar where it holds for the whole tensor.
Tensor in_file(const QuantType& quant, const Tensor& tensor) {
  return quant.per_tensor() ? tensor.reshaped({}) : tensor;
}

Result<Tensor> zero_points(const QuantType& quant) {
  if (quant.zero_point.dtype() != DType::undefined) return in_file(quant, quant.zero_point);
  return Tensor::zeros(quant.storage, quant.per_tensor() ? Dims{} : quant.scale.dims());
}

Result<Tensor> scales(const QuantType& quant) {
  Tensor scale = in_file(quant, quant.scale);
  if (scale.dtype() == quant.real) return scale;
  return convert_float(scale, quant.real);
}

}  // namespace

Status GraphWriter::node(Target& target, const Node& node) {
  if (node.op->domain == kOctetDomain && node.op->name == "Quantize") {
    const Value& value = target.graph.value(node.outputs[0]);
    if (!value.quant) return invalid_model("{}: its output isn't quantized", node.label());
    auto& name = target.names[node.outputs[0]];
    if (name.empty()) name = inner(value.name);
    return quantize(target, value, target.names.at(node.inputs[0]), name);
  }
  std::vector<std::string> outputs;
  std::vector<std::pair<ValueId, std::string>> rounded;
  for (const ValueId id : node.outputs) {
    outputs.emplace_back();
    if (id == kNoValue) continue;
    auto& name = target.names[id];
    if (name.empty()) name = inner(target.graph.value(id).name);
    outputs.back() = name;
    if (!target.graph.value(id).quant) continue;
    outputs.back() = inner(name + "_real");
    rounded.emplace_back(id, outputs.back());
  }
  if (auto status = operator_node(target, node, outputs); !status)
    return std::move(status).error().in(node.label());
  for (const auto& [id, from] : rounded) {
    const Value& value = target.graph.value(id);
    OCTET_RETURN_IF_ERROR(quantize(target, value, from, target.names.at(id)));
  }
  return {};
}

Status GraphWriter::operator_node(Target& target, const Node& node,
                                  const std::vector<std::string>& outputs) {
  const OpDef& op = *node.op;
  if (op.domain == kOctetDomain) return unsupported("fused operators can't be written to a file");
  // Bodies come first: the node's own proto must follow what they add to this graph.
  std::vector<GraphProto> bodies(node.bodies.size());
  for (size_t i = 0; i < bodies.size(); ++i)
    OCTET_RETURN_IF_ERROR(body(target, node, i, bodies[i]));
  NodeProto& proto = add_node(target, std::string(op.name), node.name);
  if (!op.domain.empty()) proto.set_domain(std::string(op.domain));
  domains_.insert(std::string(op.domain));
  for (size_t i = 0; i + node.captures < node.inputs.size(); ++i)
    proto.add_input(node.inputs[i] == kNoValue ? "" : target.names.at(node.inputs[i]));
  for (const auto& name : outputs) proto.add_output(name);
  trim(*proto.mutable_input());
  trim(*proto.mutable_output());
  for (const auto& [name, value] : op.attrs.write(node.attrs, opset_))
    write_attribute(name, value, *proto.add_attribute());
  for (size_t i = 0; i < bodies.size(); ++i) {
    auto& attribute = *proto.add_attribute();
    attribute.set_name(std::string(op.bodies[i]));
    attribute.set_type(octet_onnx::AttributeProto::GRAPH);
    attribute.mutable_g()->Swap(&bodies[i]);
  }
  return {};
}

Status GraphWriter::body(Target& outer, const Node& node, size_t index, GraphProto& proto) {
  const Graph& graph = *node.bodies[index];
  Target target{graph, proto};
  proto.set_name(graph.name.empty() ? std::string(node.op->bodies[index]) : graph.name);
  const size_t formals = graph.inputs.size() - node.captures;
  const size_t first = node.inputs.size() - node.captures;
  for (size_t i = 0; i < node.captures; ++i) {
    const ValueId id = graph.inputs[formals + i];
    target.names[id] = outer.names.at(node.inputs[first + i]);
    target.foreign.insert(id);
  }
  OCTET_RETURN_IF_ERROR(inputs(target, formals));
  OCTET_RETURN_IF_ERROR(constants(target));
  for (const NodeId id : graph.order()) OCTET_RETURN_IF_ERROR(this->node(target, graph.node(id)));
  return outputs(target);
}

Status GraphWriter::quantize(Target& target, const Value& value, const std::string& from,
                             const std::string& to) {
  const QuantType& quant = *value.quant;
  if (quant.storage == DType::s32)
    return unsupported("value '{}': ONNX can't quantize to int32 codes", value.name);
  const std::string codes = inner(to + "_codes");
  OCTET_ASSIGN(const Tensor scale_tensor, scales(quant));
  OCTET_ASSIGN(const Tensor zero_tensor, zero_points(quant));
  const std::vector<std::string> parameters = {parameter(target, to + "_scale", scale_tensor),
                                               parameter(target, to + "_zero_point", zero_tensor)};
  for (const bool back : {false, true}) {
    NodeProto& node = add_node(target, back ? "DequantizeLinear" : "QuantizeLinear", "");
    node.add_input(back ? codes : from);
    for (const auto& name : parameters) node.add_input(name);
    node.add_output(back ? to : codes);
    add_quant_attributes(node, quant);
  }
  return {};
}

Status GraphWriter::dequantize(Target& target, const QuantType& quant, const std::string& codes,
                               const std::string& to) {
  if (quant.storage == DType::f16 || quant.storage == DType::bf16) {
    NodeProto& node = add_node(target, "Cast", "");
    node.add_input(codes);
    node.add_output(to);
    add_int_attribute(node, "to", octet_onnx::TensorProto::FLOAT);
    return {};
  }
  OCTET_ASSIGN(const Tensor scale, scales(quant));
  const std::string scale_name = parameter(target, to + "_scale", scale);
  std::string zero_name;
  if (quant.zero_point.dtype() != DType::undefined && quant.storage != DType::s32)
    zero_name = parameter(target, to + "_zero_point", in_file(quant, quant.zero_point));
  NodeProto& node = add_node(target, "DequantizeLinear", "");
  node.add_input(codes);
  node.add_input(scale_name);
  if (!zero_name.empty()) node.add_input(zero_name);
  node.add_output(to);
  add_quant_attributes(node, quant);
  return {};
}

void GraphWriter::add_quant_attributes(NodeProto& node, const QuantType& quant) const {
  if (quant.per_tensor()) return;
  if (quant.axis != 1) add_int_attribute(node, "axis", quant.axis);
  if (quant.block > 0) add_int_attribute(node, "block_size", quant.block);
}

}  // namespace octet::onnx
