#pragma once

#include <cstdint>
#include <tuple>

#include "engine/ops/fields.h"

namespace octet::ops {

/// octet.Glu: the axis whose extent it halves.
struct GluAttrs {
  int64_t axis = -1;
  static constexpr auto fields() { return std::tuple{field("axis", &GluAttrs::axis)}; }
};

}  // namespace octet::ops
