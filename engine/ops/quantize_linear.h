#pragma once

#include <cstdint>
#include <tuple>

#include "engine/ops/fields.h"

namespace octet::ops {

/// Attributes of QuantizeLinear. Inputs: x, scale, zero point (may be absent: zeros).
struct QuantizeLinearAttrs {
  int64_t axis = 1;
  int64_t block_size = 0;
  int64_t output_dtype = 0;  ///< A DType; 0: the zero point's, or u8.
  int64_t precision = 0;     ///< The type of the division; octet always divides in f32.
  int64_t saturate = 1;      ///< Only of float8 outputs.
  static constexpr auto fields() {
    using A = QuantizeLinearAttrs;
    return std::tuple{field("axis", &A::axis, {.since = 13}),
                      field("block_size", &A::block_size, {.since = 21}),
                      field("output_dtype", &A::output_dtype, {.since = 21}),
                      field("precision", &A::precision, {.since = 23}),
                      field("saturate", &A::saturate, {.since = 19})};
  }
};

/// Attributes of DequantizeLinear. Inputs: codes, scale, zero point (may be absent: zeros).
struct DequantizeLinearAttrs {
  int64_t axis = 1;
  int64_t block_size = 0;
  int64_t output_dtype = 0;  ///< A DType; 0: the scale's.
  static constexpr auto fields() {
    using A = DequantizeLinearAttrs;
    return std::tuple{field("axis", &A::axis, {.since = 13}),
                      field("block_size", &A::block_size, {.since = 21}),
                      field("output_dtype", &A::output_dtype, {.since = 23})};
  }
};

}  // namespace octet::ops
