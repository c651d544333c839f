#include "engine/ir/type.h"

#include <algorithm>

namespace octet {

bool operator==(const QuantType& a, const QuantType& b) {
  const bool axis_same = a.per_tensor() || a.axis == b.axis;
  return a.storage == b.storage && a.block == b.block && a.real == b.real && axis_same &&
         a.scale == b.scale && a.zero_point == b.zero_point;
}

bool same_quant(const QuantPtr& a, const QuantPtr& b) { return a == b || (a && b && *a == *b); }

std::string Type::to_string() const {
  switch (kind) {
    case Kind::sequence: return "sequence(" + (element ? element->to_string() : "?") + ")";
    case Kind::optional: return "optional(" + (element ? element->to_string() : "?") + ")";
    case Kind::map:
      return "map(" + std::string(dtype_name(dtype)) + ", " +
             (element ? element->to_string() : "?") + ")";
    case Kind::tensor: break;
  }
  return std::string(dtype_name(dtype)) + (shape ? octet::to_string(*shape) : "[...]");
}

bool operator==(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.dtype != b.dtype || a.shape != b.shape) return false;
  return a.element == b.element || (a.element && b.element && *a.element == *b.element);
}

bool conforms(const Tensor& value, const Type& type) {
  if (value.is_list() != (type.kind != Type::Kind::tensor)) return false;
  if (!value.is_list()) {
    if (type.dtype != DType::undefined && value.dtype() != type.dtype) return false;
    if (!type.shape) return true;
    if (type.shape->size() != value.rank()) return false;
    for (size_t i = 0; i < value.rank(); ++i)
      if ((*type.shape)[i].known() && (*type.shape)[i].value() != value.dims()[i]) return false;
    return true;
  }
  const auto& parts = value.elements();
  if (type.kind == Type::Kind::map)
    return parts.size() == 2 && parts[0].dtype() == type.dtype && parts[0].rank() == 1 &&
           parts[1].dims() == parts[0].dims() &&
           (!type.element || parts[1].dtype() == type.element->dtype);
  if (type.kind == Type::Kind::optional && parts.size() > 1) return false;
  return !type.element || std::all_of(parts.begin(), parts.end(), [&](const Tensor& part) {
    return conforms(part, *type.element);
  });
}

}  // namespace octet
