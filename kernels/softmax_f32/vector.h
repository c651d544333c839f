#pragma once

// softmax_f32 over F32x16, included once by each instruction set's file.

#include "kernels/simd/functions.h"
#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::Mask16;

constexpr size_t kLanes = 16;

// How many vectors a loop over a row takes at once, so that chains of one fill the gaps of
// another's.
constexpr size_t kTogether = simd::kRegisters < 32 ? 1 : 4;

// e^(x - max) of N whole vectors into y (unless only the sum is wanted), added to the sum in order.
template <bool kStore, size_t N>
inline __attribute__((always_inline)) F32x16 add_exponentials(const float* x, float* y,
                                                              F32x16 center, F32x16 sum) {
  F32x16 e[N];
#pragma GCC unroll 4
  for (size_t v = 0; v < N; ++v) e[v] = simd::exp(simd::sub(simd::load(x + v * kLanes), center));
#pragma GCC unroll 4
  for (size_t v = 0; v < N; ++v) {
    if constexpr (kStore) simd::store(y + v * kLanes, e[v]);
    sum = simd::add(sum, e[v]);
  }
  return sum;
}

// e^(x - max) into y (unless only the sum is wanted); gives the sum of all.
template <bool kStore>
float exponentials(const float* x, float* y, size_t axis, float max) {
  const F32x16 center = simd::set(max);
  F32x16 sum = simd::zero();
  size_t i = 0;
  if constexpr (kTogether > 1)
    for (; i + kTogether * kLanes <= axis; i += kTogether * kLanes)
      sum = add_exponentials<kStore, kTogether>(x + i, y + i, center, sum);
  for (; i + kLanes <= axis; i += kLanes)
    sum = add_exponentials<kStore, 1>(x + i, y + i, center, sum);
  if (i < axis) {
    const Mask16 rest = simd::first(axis - i);
    const F32x16 e = simd::exp(simd::sub(simd::load(x + i, rest), center));
    if constexpr (kStore) simd::store(y + i, e, rest);
    sum = simd::select(rest, simd::add(sum, e), sum);
  }
  return simd::sum_lanes(sum);
}

float maximum(const float* x, size_t axis) {
  F32x16 max = simd::set(-__builtin_inff());
  size_t i = 0;
  for (; i + kLanes <= axis; i += kLanes) max = simd::max(max, simd::load(x + i));
  if (i < axis) {
    const Mask16 rest = simd::first(axis - i);
    max = simd::select(rest, simd::max(max, simd::load(x + i, rest)), max);
  }
  return simd::max_lanes(max);
}

// x + addend into x; gives the maximum.
float add_maximum(float* x, const float* addend, size_t step, size_t axis) {
  const F32x16 same = simd::set(*addend);
  F32x16 max = simd::set(-__builtin_inff());
  size_t i = 0;
  for (; i + kLanes <= axis; i += kLanes) {
    const F32x16 sum = simd::add(simd::load(x + i), step == 0 ? same : simd::load(addend + i));
    simd::store(x + i, sum);
    max = simd::max(max, sum);
  }
  if (i < axis) {
    const Mask16 rest = simd::first(axis - i);
    const F32x16 more = step == 0 ? same : simd::load(addend + i, rest);
    const F32x16 sum = simd::add(simd::load(x + i, rest), more);
    simd::store(x + i, sum, rest);
    max = simd::select(rest, simd::max(max, sum), max);
  }
  return simd::max_lanes(max);
}

void row(const float* x, float* y, size_t axis, bool logarithm) {
  const float max = maximum(x, axis);
  if (logarithm) {
    const F32x16 sum = simd::set(exponentials<false>(x, y, axis, max));
    const F32x16 log_sum = simd::log(sum);
    const F32x16 center = simd::set(max);
    for (size_t i = 0; i < axis; i += kLanes) {
      const Mask16 some = simd::first(axis - i < kLanes ? axis - i : kLanes);
      const F32x16 value = simd::sub(simd::sub(simd::load(x + i, some), center), log_sum);
      simd::store(y + i, value, some);
    }
    return;
  }
  const F32x16 inverse = simd::set(1.0F / exponentials<true>(x, y, axis, max));
  size_t i = 0;
  for (; i + kLanes <= axis; i += kLanes) simd::store(y + i, simd::mul(simd::load(y + i), inverse));
  if (i == axis) return;
  const Mask16 rest = simd::first(axis - i);
  simd::store(y + i, simd::mul(simd::load(y + i, rest), inverse), rest);
}

void sixteen_columns(const float* x, float* y, size_t axis, size_t inner, Mask16 some,
                     bool logarithm) {
  const size_t end = axis * inner;
  F32x16 max = simd::set(-__builtin_inff());
  for (size_t i = 0; i < end; i += inner) max = simd::max(max, simd::load(x + i, some));
  F32x16 sum = simd::zero();
  for (size_t i = 0; i < end; i += inner) {
    const F32x16 e = simd::exp(simd::sub(simd::load(x + i, some), max));
    if (!logarithm) simd::store(y + i, e, some);
    sum = simd::add(sum, e);
  }
  const F32x16 log_sum = simd::log(sum);
  const F32x16 inverse = simd::div(simd::set(1.0F), sum);
  for (size_t i = 0; i < end; i += inner) {
    const F32x16 value = logarithm ? simd::sub(simd::sub(simd::load(x + i, some), max), log_sum)
                                   : simd::mul(simd::load(y + i, some), inverse);
    simd::store(y + i, value, some);
  }
}

void columns(const float* x, float* y, size_t axis, size_t inner, size_t columns, bool logarithm) {
  for (size_t c = 0; c < columns; c += kLanes)
    sixteen_columns(x + c, y + c, axis, inner,
                    simd::first(columns - c < kLanes ? columns - c : kLanes), logarithm);
}

// Rows whose passes follow one another, so that the sums of one are awaited while others run.
constexpr size_t kRowsAtOnce = 8;

void codes(const SoftmaxCodesArgs& args) {
  const simd::Codes to = simd::codes_of(args.rounding);
  const size_t axis = args.axis;
  for (size_t begin = 0; begin < args.rows; begin += kRowsAtOnce) {
    const size_t count = args.rows - begin < kRowsAtOnce ? args.rows - begin : kRowsAtOnce;
    float* x = args.x + begin * args.x_stride;
    uint8_t* y = args.y + begin * args.y_stride;
    float factor[kRowsAtOnce];
    for (size_t r = 0; r < count; ++r) {
      float* line = x + r * args.x_stride;
      factor[r] = args.addend == nullptr || axis == 0
                      ? maximum(line, axis)
                      : add_maximum(line, args.addend + (begin + r) * args.addend_stride,
                                    args.addend_step, axis);
    }
    for (size_t r = 0; r < count; ++r) {
      float* line = x + r * args.x_stride;
      factor[r] = 1.0F / exponentials<true>(line, line, axis, factor[r]);
    }
    for (size_t r = 0; r < count; ++r) {
      const F32x16 inverse = simd::set(factor[r]);
      const float* line = x + r * args.x_stride;
      uint8_t* out = y + r * args.y_stride;
      size_t i = 0;
      for (; i + kLanes <= axis; i += kLanes)
        simd::store_codes(out + i, simd::mul(simd::load(line + i), inverse), to, kLanes);
      if (i == axis) continue;
      const F32x16 last = simd::load(line + i, simd::first(axis - i));
      simd::store_codes(out + i, simd::mul(last, inverse), to, axis - i);
    }
  }
}

void fill(float* x, const uint8_t* mask, float value, size_t count) {
  const F32x16 other = simd::set(value);
  for (size_t i = 0; i < count; i += kLanes) {
    const size_t some = count - i < kLanes ? count - i : kLanes;
    const Mask16 lanes = simd::first(some);
    const F32x16 old = simd::load(x + i, lanes);
    simd::store(x + i, simd::select(simd::nonzero(mask + i, some), other, old), lanes);
  }
}

}  // namespace
}  // namespace octet::kernels
