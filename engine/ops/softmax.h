#pragma once

#include <cstdint>
#include <optional>
#include <tuple>

#include "engine/ops/fields.h"

namespace octet::ops {

/// Attributes of Softmax and LogSoftmax.
struct SoftmaxAttrs {
  std::optional<int64_t> axis;  ///< -1 when absent; 1 below opset 13.
  static constexpr auto fields() { return std::tuple{field("axis", &SoftmaxAttrs::axis)}; }
};

}  // namespace octet::ops
