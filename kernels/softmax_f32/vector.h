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

// Which exponential, by the contract.
enum class Exp { fine, rough };

template <Exp kExp>
inline __attribute__((always_inline)) F32x16 exponential(F32x16 x) {
  if constexpr (kExp == Exp::fine) return simd::exp(x);
  return simd::rough_exp(x);
}

// e^(x - max) of N whole vectors into y (unless only the sum is wanted), added to the sum in order.
template <Exp kExp, bool kStore, size_t N>
inline __attribute__((always_inline)) F32x16 add_exponentials(const float* x, float* y,
                                                              F32x16 center, F32x16 sum) {
  F32x16 e[N];
#pragma GCC unroll 4
  for (size_t v = 0; v < N; ++v)
    e[v] = exponential<kExp>(simd::sub(simd::load(x + v * kLanes), center));
#pragma GCC unroll 4
  for (size_t v = 0; v < N; ++v) {
    if constexpr (kStore) simd::store(y + v * kLanes, e[v]);
    sum = simd::add(sum, e[v]);
  }
  return sum;
}

// e^(x - max) into y (unless only the sum is wanted); gives the lanes of the sum of all.
template <Exp kExp, bool kStore>
F32x16 exponentials(const float* x, float* y, size_t axis, float max) {
  const F32x16 center = simd::set(max);
  F32x16 sum = simd::zero();
  size_t i = 0;
  if constexpr (kTogether > 1)
    for (; i + kTogether * kLanes <= axis; i += kTogether * kLanes)
      sum = add_exponentials<kExp, kStore, kTogether>(x + i, y + i, center, sum);
  for (; i + kLanes <= axis; i += kLanes)
    sum = add_exponentials<kExp, kStore, 1>(x + i, y + i, center, sum);
  if (i < axis) {
    const Mask16 rest = simd::first(axis - i);
    const F32x16 e = exponential<kExp>(simd::sub(simd::load(x + i, rest), center));
    if constexpr (kStore) simd::store(y + i, e, rest);
    sum = simd::select(rest, simd::add(sum, e), sum);
  }
  return sum;
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
    const F32x16 sum = simd::set(simd::sum_lanes(exponentials<Exp::fine, false>(x, y, axis, max)));
    const F32x16 log_sum = simd::log(sum);
    const F32x16 center = simd::set(max);
    for (size_t i = 0; i < axis; i += kLanes) {
      const Mask16 some = simd::first(axis - i < kLanes ? axis - i : kLanes);
      const F32x16 value = simd::sub(simd::sub(simd::load(x + i, some), center), log_sum);
      simd::store(y + i, value, some);
    }
    return;
  }
  const float sum = simd::sum_lanes(exponentials<Exp::fine, true>(x, y, axis, max));
  const F32x16 inverse = simd::set(1.0F / sum);
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

// From row `begin` of a few on: e^(x - max) in place, and the factors that make their sums
// 1 / scale.
template <Exp kExp>
void row_exponentials(const SoftmaxCodesArgs& args, size_t begin, size_t count, float scale,
                      float* factor) {
  const size_t axis = args.axis;
  float* x = args.x + begin * args.x_stride;
  for (size_t r = 0; r < count; ++r) {
    float* line = x + r * args.x_stride;
    factor[r] = args.addend == nullptr || axis == 0
                    ? maximum(line, axis)
                    : add_maximum(line, args.addend + (begin + r) * args.addend_stride,
                                  args.addend_step, axis);
  }
  // No row waits for another's sum.
  F32x16 sums[kRowsAtOnce];
  for (size_t r = 0; r < count; ++r) {
    float* line = x + r * args.x_stride;
    sums[r] = exponentials<kExp, true>(line, line, axis, factor[r]);
  }
  for (size_t r = 0; r < count; ++r) factor[r] = 1.0F / (simd::sum_lanes(sums[r]) * scale);
}

// The softmax of kRows rows from `begin` on, of kVectors vectors of which the last may be narrow:
// in registers.
template <size_t kRows, size_t kVectors>
inline __attribute__((always_inline)) void short_rows(const SoftmaxCodesArgs& args, size_t begin) {
  const Mask16 last = simd::first(args.axis - (kVectors - 1) * kLanes);
  float* x = args.x + begin * args.x_stride;
  F32x16 e[kRows][kVectors];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      const auto load = [&](const float* p) __attribute__((always_inline)) {
        return v + 1 < kVectors ? simd::load(p + v * kLanes) : simd::load(p + v * kLanes, last);
      };
      e[r][v] = load(x + r * args.x_stride);
      if (args.addend == nullptr) continue;
      const float* addend = args.addend + (begin + r) * args.addend_stride;
      e[r][v] = simd::add(e[r][v], args.addend_step == 0 ? simd::set(*addend) : load(addend));
    }
  F32x16 max[kRows], sum[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    max[r] = simd::set(-__builtin_inff());
#pragma GCC unroll 4
    for (size_t v = 0; v + 1 < kVectors; ++v) max[r] = simd::max(max[r], e[r][v]);
    max[r] = simd::select(last, simd::max(max[r], e[r][kVectors - 1]), max[r]);
    max[r] = simd::set(simd::max_lanes(max[r]));
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) e[r][v] = simd::exp(simd::sub(e[r][v], max[r]));
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    sum[r] = simd::zero();
#pragma GCC unroll 4
    for (size_t v = 0; v + 1 < kVectors; ++v) sum[r] = simd::add(sum[r], e[r][v]);
    sum[r] = simd::select(last, simd::add(sum[r], e[r][kVectors - 1]), sum[r]);
    sum[r] = simd::set(1.0F / simd::sum_lanes(sum[r]));
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    float* line = x + r * args.x_stride;
#pragma GCC unroll 4
    for (size_t v = 0; v + 1 < kVectors; ++v)
      simd::store(line + v * kLanes, simd::mul(e[r][v], sum[r]));
    simd::store(line + (kVectors - 1) * kLanes, simd::mul(e[r][kVectors - 1], sum[r]), last);
  }
}

template <size_t kRows, size_t kVectors>
void all_short_rows(const SoftmaxCodesArgs& args) {
  size_t r = 0;
  for (; r + kRows <= args.rows; r += kRows) short_rows<kRows, kVectors>(args, r);
  for (; r < args.rows; ++r) short_rows<1, kVectors>(args, r);
}

void rows(const SoftmaxCodesArgs& args) {
  const size_t axis = args.axis;
  if constexpr (simd::kRegisters >= 32) {
    if (axis == 0) return;
    if (axis <= kLanes) return all_short_rows<4, 1>(args);
    if (axis <= 2 * kLanes) return all_short_rows<4, 2>(args);
    if (axis <= 3 * kLanes) return all_short_rows<2, 3>(args);
    if (axis <= 4 * kLanes) return all_short_rows<2, 4>(args);
  }
  for (size_t begin = 0; begin < args.rows; begin += kRowsAtOnce) {
    const size_t count = args.rows - begin < kRowsAtOnce ? args.rows - begin : kRowsAtOnce;
    float factor[kRowsAtOnce];
    row_exponentials<Exp::fine>(args, begin, count, 1.0F, factor);
    for (size_t r = 0; r < count; ++r) {
      float* line = args.x + (begin + r) * args.x_stride;
      const F32x16 inverse = simd::set(factor[r]);
      for (size_t i = 0; i < axis; i += kLanes) {
        const Mask16 some = simd::first(axis - i < kLanes ? axis - i : kLanes);
        simd::store(line + i, simd::mul(simd::load(line + i, some), inverse), some);
      }
    }
  }
}

void codes(const SoftmaxCodesArgs& args) {
  const simd::Codes to = simd::codes_of(args.rounding);
  const size_t axis = args.axis;
  for (size_t begin = 0; begin < args.rows; begin += kRowsAtOnce) {
    const size_t count = args.rows - begin < kRowsAtOnce ? args.rows - begin : kRowsAtOnce;
    float* x = args.x + begin * args.x_stride;
    uint8_t* y = args.y + begin * args.y_stride;
    float factor[kRowsAtOnce];
    row_exponentials<Exp::rough>(args, begin, count, args.rounding.scale, factor);
    for (size_t r = 0; r < count; ++r) {
      const F32x16 inverse = simd::set(factor[r]);
      const float* line = x + r * args.x_stride;
      uint8_t* out = y + r * args.y_stride;
      size_t i = 0;
      for (; i + kLanes <= axis; i += kLanes)
        simd::store_steps(out + i, simd::mul(simd::load(line + i), inverse), to, kLanes);
      if (i == axis) continue;
      const F32x16 last = simd::load(line + i, simd::first(axis - i));
      simd::store_steps(out + i, simd::mul(last, inverse), to, axis - i);
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
