#include "importers/onnx/attribute_reader.h"

#include <iterator>

#include "importers/onnx/type_reader.h"

namespace octet::onnx {
namespace {

using octet_onnx::AttributeProto;

template <typename T, typename List>
std::vector<T> list_of(const List& list) {
  return std::vector<T>(list.begin(), list.end());
}

}  // namespace

AttributeProto::AttributeType attribute_kind(const AttributeProto& proto) {
  if (proto.type() != AttributeProto::UNDEFINED) return proto.type();
  const std::pair<bool, AttributeProto::AttributeType> filled[] = {
      {proto.has_f(), AttributeProto::FLOAT},
      {proto.has_i(), AttributeProto::INT},
      {proto.has_s(), AttributeProto::STRING},
      {proto.has_t(), AttributeProto::TENSOR},
      {proto.has_g(), AttributeProto::GRAPH},
      {proto.has_tp(), AttributeProto::TYPE_PROTO},
      {proto.has_sparse_tensor(), AttributeProto::SPARSE_TENSOR},
      {proto.floats_size() > 0, AttributeProto::FLOATS},
      {proto.ints_size() > 0, AttributeProto::INTS},
      {proto.strings_size() > 0, AttributeProto::STRINGS},
      {proto.tensors_size() > 0, AttributeProto::TENSORS},
      {proto.graphs_size() > 0, AttributeProto::GRAPHS},
  };
  auto kind = AttributeProto::UNDEFINED;
  for (const auto& [has, type] : filled) {
    if (!has) continue;
    if (kind != AttributeProto::UNDEFINED) return AttributeProto::UNDEFINED;
    kind = type;
  }
  return kind;
}

Result<AttrValue> read_attribute(const AttributeProto& proto, TensorReader& tensors) {
  const auto kind = attribute_kind(proto);
  switch (kind) {
    case AttributeProto::FLOAT: return AttrValue(proto.f());
    case AttributeProto::INT: return AttrValue(static_cast<int64_t>(proto.i()));
    case AttributeProto::STRING: return AttrValue(proto.s());
    case AttributeProto::FLOATS: return AttrValue(list_of<float>(proto.floats()));
    case AttributeProto::INTS: return AttrValue(list_of<int64_t>(proto.ints()));
    case AttributeProto::STRINGS: return AttrValue(list_of<std::string>(proto.strings()));
    case AttributeProto::TENSOR: {
      OCTET_ASSIGN(Tensor tensor, tensors.read(proto.t()));
      return AttrValue(std::move(tensor));
    }
    case AttributeProto::SPARSE_TENSOR: {
      OCTET_ASSIGN(Tensor tensor, tensors.read(proto.sparse_tensor()));
      return AttrValue(std::move(tensor));
    }
    case AttributeProto::TYPE_PROTO: {
      OCTET_ASSIGN(Type type, read_type(proto.tp()));
      return AttrValue(std::move(type));
    }
    case AttributeProto::UNDEFINED:
      return invalid_model("attribute '{}' has no type", proto.name());
    default: break;
  }
  return unsupported("attribute '{}' is of kind {}, which is not supported here", proto.name(),
                     AttributeProto::AttributeType_Name(kind));
}

Result<Tensor> read_constant(const AttributeProto& proto, const std::string& name,
                             TensorReader& tensors) {
  OCTET_ASSIGN(const AttrValue value, read_attribute(proto, tensors));
  const auto length = [](const auto& list) { return Dims{static_cast<int64_t>(list.size())}; };
  if (name == "value" || name == "sparse_value")
    if (const auto* tensor = std::get_if<Tensor>(&value)) return *tensor;
  if (name == "value_float")
    if (const auto* f = std::get_if<float>(&value)) return Tensor::scalar(*f);
  if (name == "value_int")
    if (const auto* i = std::get_if<int64_t>(&value)) return Tensor::scalar(*i);
  if (name == "value_string")
    if (const auto* s = std::get_if<std::string>(&value)) return Tensor::strings({}, {*s});
  if (name == "value_floats")
    if (const auto* f = std::get_if<std::vector<float>>(&value)) return Tensor::of(length(*f), *f);
  if (name == "value_ints")
    if (const auto* i = std::get_if<std::vector<int64_t>>(&value))
      return Tensor::of(length(*i), *i);
  if (name == "value_strings")
    if (const auto* s = std::get_if<std::vector<std::string>>(&value))
      return Tensor::strings(length(*s), *s);
  return invalid_model("attribute '{}' doesn't hold a constant of that kind", name);
}

}  // namespace octet::onnx
