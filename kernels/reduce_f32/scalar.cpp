#include "kernels/simd/scalar.h"

#include <cmath>
#include <limits>

#include "kernels/reduce_f32/reduce_f32.h"

namespace octet::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float start(ReduceF32 function) {
  switch (function) {
    case ReduceF32::max: return -kInfinity;
    case ReduceF32::min: return kInfinity;
    case ReduceF32::prod: return 1.0F;
    default: return 0.0F;
  }
}

// What element x makes of its lane.
float take(ReduceF32 function, float lane, float x) {
  switch (function) {
    case ReduceF32::max: return simd::max_nan(lane, x);
    case ReduceF32::min: return simd::min_nan(lane, x);
    case ReduceF32::prod: return lane * x;
    case ReduceF32::sum_square:
    case ReduceF32::l2: return std::fma(x, x, lane);
    case ReduceF32::l1: return lane + std::fabs(x);
    default: return lane + x;
  }
}

float combine(ReduceF32 function, float a, float b) {
  switch (function) {
    case ReduceF32::max:
    case ReduceF32::min:
    case ReduceF32::prod: return take(function, a, b);
    default: return a + b;
  }
}

float finish(ReduceF32 function, float value, size_t axis) {
  switch (function) {
    case ReduceF32::mean: return value / static_cast<float>(axis);
    case ReduceF32::l2: return std::sqrt(value);
    case ReduceF32::log_sum: return math::log(value);
    default: return value;
  }
}

float row(ReduceF32 function, const float* x, size_t axis) {
  const float value = simd::combine_lanes(
      axis, start(function), [&](float a, float b) { return combine(function, a, b); },
      [&](float lane, size_t i) { return take(function, lane, x[i]); });
  return finish(function, value, axis);
}

void columns(ReduceF32 function, const float* x, float* y, size_t axis, size_t inner,
             size_t columns) {
  for (size_t c = 0; c < columns; ++c) {
    float value = start(function);
    for (size_t i = 0; i < axis; ++i) value = take(function, value, x[i * inner + c]);
    y[c] = finish(function, value, axis);
  }
}

}  // namespace

extern const ReduceF32Table reduce_f32_scalar;
const ReduceF32Table reduce_f32_scalar = {row, columns};

}  // namespace octet::kernels
