#include "tests/conformance/builder.h"

#include "importers/onnx/proto_writer.h"

namespace octet::conformance {

Builder::Builder(std::string name, int opset) {
  case_.name = std::move(name);
  model_.set_ir_version(10);
  model_.mutable_graph()->set_name(case_.name);
  model_.add_opset_import()->set_version(opset);
}

std::string Builder::input(const Tensor& tensor) {
  auto& info = *model_.mutable_graph()->add_input();
  info.set_name(fresh("x"));
  onnx::write_type(Type::tensor(tensor.dtype(), to_shape(tensor.dims())), true,
                   *info.mutable_type());
  case_.inputs.push_back(tensor);
  return info.name();
}

std::string Builder::constant(const Tensor& tensor) {
  auto& proto = *model_.mutable_graph()->add_initializer();
  onnx::write_tensor(fresh("c"), tensor, proto);
  return proto.name();
}

std::vector<std::string> Builder::nodes(const std::string& op,
                                        const std::vector<std::string>& inputs,
                                        const AttrMap& attrs, size_t outputs) {
  auto& node = *model_.mutable_graph()->add_node();
  node.set_op_type(op);
  node.set_name(fresh("n"));
  for (const auto& name : inputs) node.add_input(name);
  std::vector<std::string> names;
  for (size_t i = 0; i < outputs; ++i) names.push_back(fresh("y"));
  for (const auto& name : names) node.add_output(name);
  for (const auto& [name, value] : attrs) onnx::write_attribute(name, value, *node.add_attribute());
  return names;
}

void Builder::output(const std::string& name, Expected expected) {
  auto& info = *model_.mutable_graph()->add_output();
  info.set_name(name);
  onnx::write_type(Type::tensor(expected.value.dtype()), false, *info.mutable_type());
  case_.outputs.push_back(std::move(expected));
}

Case Builder::finish() {
  case_.model = model_.SerializeAsString();
  return std::move(case_);
}

std::string Builder::scale(const Params& params) {
  const bool one = params.scale.size() == 1;
  return constant(reals(DType::f32, one ? Dims{} : Dims{static_cast<int64_t>(params.scale.size())},
                        params.scale));
}

std::string Builder::zero(const Params& params) {
  const bool one = params.zero.size() == 1;
  return constant(codes(params.type, one ? Dims{} : Dims{static_cast<int64_t>(params.zero.size())},
                        params.zero));
}

std::string Builder::rounded(const std::string& x, const Params& params) {
  const std::string s = scale(params);
  const std::string z = zero(params);
  return node("DequantizeLinear", {node("QuantizeLinear", {x, s, z}), s, z});
}

std::string Builder::dequantized(const std::string& codes, const Params& params, int64_t axis) {
  return node("DequantizeLinear", {codes, scale(params), zero(params)},
              params.scale.size() == 1 ? AttrMap{} : AttrMap{{"axis", axis}});
}

}  // namespace octet::conformance
