#pragma once

// reduce_f32 over F32x16, included once by each instruction set's file.

#include "kernels/reduce_f32/reduce_f32.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::Mask16;

constexpr size_t kLanes = 16;

#define OCTET_INLINE __attribute__((always_inline))

// A reduction: where lanes start, what an element makes of its lane, how lanes are combined, and
// the end.
template <typename Take, typename Combine, typename Finish>
struct Reduction {
  float start;
  Take take;
  Combine combine;
  Finish finish;
};
template <typename Take, typename Combine, typename Finish>
Reduction(float, Take, Combine, Finish) -> Reduction<Take, Combine, Finish>;

// Calls f(Reduction) for the function. `axis` is the number of elements.
template <typename F>
inline OCTET_INLINE void with_reduction(ReduceF32 function, size_t axis, F f) {
  const auto same = [](F32x16 x) OCTET_INLINE { return x; };
  const auto plus = [](F32x16 lane, F32x16 x) OCTET_INLINE { return simd::add(lane, x); };
  const auto square = [](F32x16 lane, F32x16 x) OCTET_INLINE { return simd::fma(x, x, lane); };
  const auto magnitude = [](F32x16 lane, F32x16 x)
                             OCTET_INLINE { return simd::add(lane, simd::abs(x)); };
  const auto high = [](F32x16 lane, F32x16 x) OCTET_INLINE { return simd::max_nan(lane, x); };
  const auto low = [](F32x16 lane, F32x16 x) OCTET_INLINE { return simd::min_nan(lane, x); };
  const auto times = [](F32x16 lane, F32x16 x) OCTET_INLINE { return simd::mul(lane, x); };
  const auto sum = [](F32x16 x) OCTET_INLINE { return simd::sum_lanes(x); };
  const auto product = [](F32x16 x) OCTET_INLINE { return simd::product_lanes(x); };
  // The trees of max and min forget a NaN.
  const auto highest = [](F32x16 x) OCTET_INLINE {
    return simd::any(simd::is_nan(x)) ? __builtin_nanf("") : simd::max_lanes(x);
  };
  const auto lowest = [](F32x16 x) OCTET_INLINE {
    return simd::any(simd::is_nan(x)) ? __builtin_nanf("") : simd::min_lanes(x);
  };
  const auto mean = [axis](F32x16 x)
                        OCTET_INLINE { return simd::div(x, simd::set(static_cast<float>(axis))); };
  const auto root = [](F32x16 x) OCTET_INLINE { return simd::sqrt(x); };
  const auto logarithm = [](F32x16 x) OCTET_INLINE { return simd::log(x); };
  constexpr float kInfinity = __builtin_inff();
  switch (function) {
    case ReduceF32::sum: return f(Reduction{0.0F, plus, sum, same});
    case ReduceF32::mean: return f(Reduction{0.0F, plus, sum, mean});
    case ReduceF32::max: return f(Reduction{-kInfinity, high, highest, same});
    case ReduceF32::min: return f(Reduction{kInfinity, low, lowest, same});
    case ReduceF32::prod: return f(Reduction{1.0F, times, product, same});
    case ReduceF32::sum_square: return f(Reduction{0.0F, square, sum, same});
    case ReduceF32::l1: return f(Reduction{0.0F, magnitude, sum, same});
    case ReduceF32::l2: return f(Reduction{0.0F, square, sum, root});
    case ReduceF32::log_sum: return f(Reduction{0.0F, plus, sum, logarithm});
  }
}

float row(ReduceF32 function, const float* x, size_t axis) {
  float result = 0.0F;
  with_reduction(function, axis, [&](auto reduction) OCTET_INLINE {
    F32x16 lanes = simd::set(reduction.start);
    size_t i = 0;
    for (; i + kLanes <= axis; i += kLanes) lanes = reduction.take(lanes, simd::load(x + i));
    if (i < axis) {
      const Mask16 rest = simd::first(axis - i);
      lanes = simd::select(rest, reduction.take(lanes, simd::load(x + i, rest)), lanes);
    }
    const F32x16 value = reduction.finish(simd::set(reduction.combine(lanes)));
    simd::store(&result, value, simd::first(1));
  });
  return result;
}

void columns(ReduceF32 function, const float* x, float* y, size_t axis, size_t inner,
             size_t columns) {
  with_reduction(function, axis, [&](auto reduction) OCTET_INLINE {
    size_t c = 0;
    // Four chains at once hide the latency of an addition.
    for (; c + 4 * kLanes <= columns; c += 4 * kLanes) {
      F32x16 a = simd::set(reduction.start), b = a, d = a, e = a;
      for (size_t i = 0; i < axis; ++i) {
        const float* p = x + i * inner + c;
        a = reduction.take(a, simd::load(p));
        b = reduction.take(b, simd::load(p + kLanes));
        d = reduction.take(d, simd::load(p + 2 * kLanes));
        e = reduction.take(e, simd::load(p + 3 * kLanes));
      }
      simd::store(y + c, reduction.finish(a));
      simd::store(y + c + kLanes, reduction.finish(b));
      simd::store(y + c + 2 * kLanes, reduction.finish(d));
      simd::store(y + c + 3 * kLanes, reduction.finish(e));
    }
    for (; c < columns; c += kLanes) {
      const Mask16 some = simd::first(columns - c < kLanes ? columns - c : kLanes);
      F32x16 a = simd::set(reduction.start);
      for (size_t i = 0; i < axis; ++i) a = reduction.take(a, simd::load(x + i * inner + c, some));
      simd::store(y + c, reduction.finish(a), some);
    }
  });
}

#undef OCTET_INLINE

}  // namespace
}  // namespace octet::kernels
