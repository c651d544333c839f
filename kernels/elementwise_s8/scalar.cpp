#include <algorithm>
#include <cmath>

#include "kernels/elementwise_s8/elementwise_s8.h"

namespace octet::kernels {
namespace {

float distance(const ElementwiseS8Input& in, size_t row, size_t column) {
  const size_t at = row * in.row_stride + column * in.column_stride;
  const int32_t code = in.is_signed ? static_cast<const int8_t*>(in.data)[at]
                                    : static_cast<const uint8_t*>(in.data)[at];
  return static_cast<float>(code - in.zero_point);
}

template <typename Value>
void each(const ElementwiseS8Args& a, Parallel& parallel, Value value) {
  const auto low = static_cast<float>(a.low);
  const auto high = static_cast<float>(a.high);
  auto* out = static_cast<uint8_t*>(a.out);
  parallel.for_ranges(a.rows * a.columns, 8192, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t row = i / a.columns;
      const size_t column = i % a.columns;
      const float v = value(distance(a.a, row, column), distance(a.b, row, column));
      const float code = (v == v ? std::nearbyint(v) : 0.0F) + static_cast<float>(a.zero_point);
      out[i] = static_cast<uint8_t>(static_cast<int32_t>(std::clamp(code, low, high)) & 0xFF);
    }
  });
}

void add(const ElementwiseS8Args& a, Parallel& parallel) {
  each(a, parallel, [&](float x, float y) { return x * a.a.multiplier + y * a.b.multiplier; });
}

void sub(const ElementwiseS8Args& a, Parallel& parallel) {
  each(a, parallel, [&](float x, float y) { return x * a.a.multiplier - y * a.b.multiplier; });
}

void mul(const ElementwiseS8Args& a, Parallel& parallel) {
  each(a, parallel, [&](float x, float y) { return x * y * a.a.multiplier; });
}

}  // namespace

extern const ElementwiseS8Table elementwise_s8_scalar;
const ElementwiseS8Table elementwise_s8_scalar{add, sub, mul};

}  // namespace octet::kernels
