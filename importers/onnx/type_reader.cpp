#include "importers/onnx/type_reader.h"

#include <algorithm>
#include <cctype>

#include "importers/onnx/tensor_reader.h"
#include "octet_onnx.pb.h"

namespace octet::onnx {
namespace {

using octet_onnx::TypeProto;

// Symbols take part in expressions by name; a name that could be read as an expression or as one of
// the engine's own symbols is put in quotes.
Dim symbol_dim(const std::string& name) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-' || c == ':' || c == ' ';
  };
  if (std::all_of(name.begin(), name.end(), plain)) return Dim::symbol(name);
  return Dim::symbol("(" + name + ")");
}

Result<Shape> read_shape(const octet_onnx::TensorShapeProto& proto) {
  constexpr int kMaxRank = 64;
  if (proto.dim_size() > kMaxRank) return unsupported("rank {} is not supported", proto.dim_size());
  Shape shape;
  for (const auto& dim : proto.dim()) {
    if (dim.has_dim_value() && dim.dim_value() >= 0)
      shape.emplace_back(dim.dim_value());
    else if (dim.has_dim_param() && !dim.dim_param().empty())
      shape.push_back(symbol_dim(dim.dim_param()));
    else
      shape.push_back(Dim::fresh());  // converters write -1 for "unknown"
  }
  return shape;
}

Result<Type> read_nested(Type::Kind kind, const TypeProto& proto) {
  OCTET_ASSIGN(Type element, read_type(proto));
  if (element.kind == Type::Kind::tensor && element.dtype == DType::undefined)
    return invalid_model("an element type is missing");
  Type type;
  type.kind = kind;
  type.element = std::make_shared<const Type>(std::move(element));
  return type;
}

}  // namespace

Result<Type> read_type(const TypeProto& proto) {
  switch (proto.value_case()) {
    case TypeProto::kTensorType: {
      const auto& tensor = proto.tensor_type();
      OCTET_ASSIGN(const DType dtype, read_dtype(tensor.elem_type()));
      if (!tensor.has_shape()) return Type::tensor(dtype);
      OCTET_ASSIGN(Shape shape, read_shape(tensor.shape()));
      return Type::tensor(dtype, std::move(shape));
    }
    case TypeProto::kSequenceType:
      return read_nested(Type::Kind::sequence, proto.sequence_type().elem_type());
    case TypeProto::kOptionalType:
      return read_nested(Type::Kind::optional, proto.optional_type().elem_type());
    case TypeProto::kMapType: {
      OCTET_ASSIGN(const DType key, read_dtype(proto.map_type().key_type()));
      OCTET_ASSIGN(Type type, read_nested(Type::Kind::map, proto.map_type().value_type()));
      type.dtype = key;
      return type;
    }
    case TypeProto::kSparseTensorType: return unsupported("sparse tensors are not supported");
    case TypeProto::kOpaqueType: return unsupported("opaque types are not supported");
    case TypeProto::VALUE_NOT_SET: break;
  }
  return Type{};
}

bool compatible(const Type& declared, const Type& inferred, bool dims) {
  const bool untyped = declared.kind == Type::Kind::tensor && declared.dtype == DType::undefined;
  if (untyped && !declared.shape) return true;
  if (declared.kind != inferred.kind) return false;
  if (declared.kind == Type::Kind::map && declared.dtype != inferred.dtype) return false;
  if (declared.kind != Type::Kind::tensor)
    return !declared.element || !inferred.element ||
           compatible(*declared.element, *inferred.element, false);
  if (declared.dtype == DType::undefined || inferred.dtype == DType::undefined) return true;
  if (declared.dtype != inferred.dtype) return false;
  if (!dims || !declared.shape || !inferred.shape) return true;
  if (declared.shape->size() != inferred.shape->size()) return false;
  for (size_t i = 0; i < declared.shape->size(); ++i) {
    const auto a = (*declared.shape)[i].maybe();
    const auto b = (*inferred.shape)[i].maybe();
    if (a && b && *a != *b) return false;
  }
  return true;
}

}  // namespace octet::onnx
