#include "engine/ir/type.h"

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
    case Kind::tensor: break;
  }
  return std::string(dtype_name(dtype)) + (shape ? octet::to_string(*shape) : "[...]");
}

}  // namespace octet
