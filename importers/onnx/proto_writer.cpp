#include "importers/onnx/proto_writer.h"

namespace octet::onnx {
namespace {

using octet_onnx::AttributeProto;
using octet_onnx::TensorProto;

// An extent's name in the file; empty where only the engine knows it. Import puts names that could
// be read as expressions in parentheses, which go away again here.
std::string dim_name(const Dim& dim) {
  std::string text = dim.to_string();
  if (text.find('?') != std::string::npos) return {};
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return text;
  int depth = 0;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    depth += text[i] == '(' ? 1 : (text[i] == ')' ? -1 : 0);
    if (depth == 0) return text;
  }
  return text.substr(1, text.size() - 2);
}

struct AttributeWriter {
  AttributeProto& proto;

  void operator()(int64_t value) const {
    proto.set_type(AttributeProto::INT);
    proto.set_i(value);
  }
  void operator()(float value) const {
    proto.set_type(AttributeProto::FLOAT);
    proto.set_f(value);
  }
  void operator()(const std::string& value) const {
    proto.set_type(AttributeProto::STRING);
    proto.set_s(value);
  }
  void operator()(const std::vector<int64_t>& values) const {
    proto.set_type(AttributeProto::INTS);
    for (const int64_t value : values) proto.add_ints(value);
  }
  void operator()(const std::vector<float>& values) const {
    proto.set_type(AttributeProto::FLOATS);
    for (const float value : values) proto.add_floats(value);
  }
  void operator()(const std::vector<std::string>& values) const {
    proto.set_type(AttributeProto::STRINGS);
    for (const auto& value : values) proto.add_strings(value);
  }
  void operator()(const Tensor& value) const {
    proto.set_type(AttributeProto::TENSOR);
    write_tensor("", value, *proto.mutable_t());
  }
  void operator()(const Type& value) const {
    proto.set_type(AttributeProto::TYPE_PROTO);
    write_type(value, true, *proto.mutable_tp());
  }
};

}  // namespace

void write_type(const Type& type, bool shapes, octet_onnx::TypeProto& proto) {
  if (type.kind == Type::Kind::sequence) {
    write_type(*type.element, shapes, *proto.mutable_sequence_type()->mutable_elem_type());
    return;
  }
  if (type.kind == Type::Kind::optional) {
    write_type(*type.element, shapes, *proto.mutable_optional_type()->mutable_elem_type());
    return;
  }
  if (type.kind == Type::Kind::map) {
    proto.mutable_map_type()->set_key_type(static_cast<int>(type.dtype));
    write_type(*type.element, shapes, *proto.mutable_map_type()->mutable_value_type());
    return;
  }
  auto& tensor = *proto.mutable_tensor_type();
  tensor.set_elem_type(static_cast<int>(type.dtype));
  if (!shapes || !type.shape) return;
  auto& shape = *tensor.mutable_shape();
  for (const Dim& dim : *type.shape) {
    auto& out = *shape.add_dim();
    if (dim.known())
      out.set_dim_value(dim.value());
    else if (auto name = dim_name(dim); !name.empty())
      out.set_dim_param(std::move(name));
  }
}

void write_tensor_head(const std::string& name, const Tensor& tensor, TensorProto& proto) {
  proto.set_name(name);
  proto.set_data_type(static_cast<int>(tensor.dtype()));
  for (const int64_t dim : tensor.dims()) proto.add_dims(dim);
  if (tensor.dtype() == DType::string)
    for (const auto& text : tensor.as_strings()) proto.add_string_data(text);
}

void write_tensor(const std::string& name, const Tensor& tensor, TensorProto& proto) {
  write_tensor_head(name, tensor, proto);
  if (tensor.dtype() != DType::string)
    proto.set_raw_data(tensor.bytes().data(), tensor.bytes().size());
}

void write_attribute(const std::string& name, const AttrValue& value, AttributeProto& proto) {
  proto.set_name(name);
  std::visit(AttributeWriter{proto}, value);
}

void add_int_attribute(octet_onnx::NodeProto& node, const std::string& name, int64_t value) {
  write_attribute(name, AttrValue(value), *node.add_attribute());
}

}  // namespace octet::onnx
