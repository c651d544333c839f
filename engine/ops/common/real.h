#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "engine/ir/dtype.h"

namespace octet {

/// Whether a real port of this element type is f32 when it runs: halves are widened.
inline bool runs_as_f32(DType type) {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16;
}

/// Towards zero. What ONNX leaves open: NaN gives 0, values past int64 saturate, and narrower types
/// keep the low bits.
template <typename To>
To integer_of(double value) {
  if (value != value) return To{};
  if constexpr (std::is_same_v<To, uint64_t>)
    if (value >= 0x1p63) return value >= 0x1p64 ? ~uint64_t{0} : static_cast<uint64_t>(value);
  if (value >= 0x1p63) return static_cast<To>(std::numeric_limits<int64_t>::max());
  if (value < -0x1p63) return static_cast<To>(std::numeric_limits<int64_t>::min());
  return static_cast<To>(static_cast<int64_t>(value));
}

/// integer_of where To is an integer.
template <typename To>
To from_double(double value) {
  if constexpr (std::is_integral_v<To>)
    return integer_of<To>(value);
  else
    return static_cast<To>(value);
}

/// Sums and products, of integers modulo two to the power of their width.
template <typename T>
T wrapping_sum(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  else
    return static_cast<T>(a + b);
}
template <typename T>
T wrapping_product(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else
    return static_cast<T>(a * b);
}

}  // namespace octet
