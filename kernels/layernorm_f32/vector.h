#pragma once

// layernorm_f32 over F32x16, included once by each instruction set's file.

#include "kernels/layernorm_f32/layernorm_f32.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::Mask16;

constexpr size_t kLanes = 16;

#define OCTET_INLINE __attribute__((always_inline))

// f(i, mask, whole) for each 16 of [0, n).
template <typename F>
inline OCTET_INLINE void each(size_t n, F f) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, simd::first(kLanes), true);
  if (i < n) f(i, simd::first(n - i), false);
}

inline OCTET_INLINE F32x16 load(const float* p, Mask16 mask, bool whole) {
  return whole ? simd::load(p) : simd::load(p, mask);
}
inline OCTET_INLINE void store(float* p, F32x16 x, Mask16 mask, bool whole) {
  if (whole)
    simd::store(p, x);
  else
    simd::store(p, x, mask);
}

// The sums of add(sum, at[r](i, mask, whole), r) over each of R rows, side by side: the chain of
// one row leaves gaps.
template <size_t R, typename At, typename Add>
inline OCTET_INLINE void sums_of(size_t n, const At (&at)[R], float (&sums)[R], Add add) {
  F32x16 lanes[R];
#pragma GCC unroll 4
  for (size_t r = 0; r < R; ++r) lanes[r] = simd::zero();
  each(n, [&](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r) {
      const F32x16 next = add(lanes[r], at[r](i, mask, whole), r);
      lanes[r] = whole ? next : simd::select(mask, next, lanes[r]);
    }
  });
#pragma GCC unroll 4
  for (size_t r = 0; r < R; ++r) sums[r] = simd::sum_lanes(lanes[r]);
}

// The means, and 1 / sqrt(sum of (at - mean)^2 / n + epsilon); means stay 0 unless `centered`.
template <size_t R, typename At>
inline OCTET_INLINE void statistics(size_t n, bool centered, float epsilon, const At (&at)[R],
                                    float (&mean)[R], float (&inverse)[R]) {
  const auto count = static_cast<float>(n);
  if (centered)
    sums_of(n, at, mean,
            [](F32x16 sum, F32x16 x, size_t /*r*/) OCTET_INLINE { return simd::add(sum, x); });
  F32x16 center[R];
#pragma GCC unroll 4
  for (size_t r = 0; r < R; ++r) center[r] = simd::set(mean[r] /= count);
  sums_of(n, at, inverse, [&](F32x16 sum, F32x16 x, size_t r) OCTET_INLINE {
    const F32x16 d = simd::sub(x, center[r]);
    return simd::fma(d, d, sum);
  });
#pragma GCC unroll 4
  for (size_t r = 0; r < R; ++r) inverse[r] = 1.0F / __builtin_sqrtf(inverse[r] / count + epsilon);
}

// What a row's statistics make of it.
template <typename At>
inline OCTET_INLINE void finish_row(const LayerNormF32Args& args, size_t r, float mean,
                                    float inverse, At at) {
  const size_t n = args.n;
  float* y = args.codes == nullptr ? args.y + r * n : nullptr;
  uint8_t* codes = args.codes != nullptr ? args.codes + r * n : nullptr;
  const simd::Codes to = simd::codes_of(args.rounding);
  float* kept = args.sum != nullptr ? args.sum + r * n : nullptr;
  const float* scales = args.scale;
  const float* biases = args.bias;
  const F32x16 center = simd::set(mean);
  const F32x16 factor = simd::set(inverse);
  each(n, [=](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
    const F32x16 value = at(i, mask, whole);
    if (kept != nullptr) store(kept + i, value, mask, whole);
    const F32x16 normalized = simd::mul(simd::sub(value, center), factor);
    const F32x16 scale = scales != nullptr ? load(scales + i, mask, whole) : simd::set(1.0F);
    const F32x16 bias = biases != nullptr ? load(biases + i, mask, whole) : simd::zero();
    const F32x16 end = simd::fma(normalized, scale, bias);
    if (y != nullptr)
      store(y + i, end, mask, whole);
    else
      simd::store_codes(codes + i, end, to, whole ? kLanes : n - i);
  });
  if (args.mean != nullptr && args.kind == NormF32::layer) args.mean[r] = mean;
  if (args.inverse != nullptr) args.inverse[r] = inverse;
}

// Rows whose statistics are found side by side.
constexpr size_t kRowsAtOnce = 4;

template <size_t R, typename Row>
inline OCTET_INLINE void norm_some(const LayerNormF32Args& args, size_t begin, Row row) {
  decltype(row(begin)) at[R];
  for (size_t r = 0; r < R; ++r) at[r] = row(begin + r);
  float mean[R] = {}, inverse[R];
  statistics(args.n, args.kind == NormF32::layer, args.epsilon, at, mean, inverse);
  for (size_t r = 0; r < R; ++r) finish_row(args, begin + r, mean[r], inverse[r], at[r]);
}

// Rows [begin, end), elements by row(r)(i, mask, whole).
template <typename Row>
inline OCTET_INLINE void norm_rows(const LayerNormF32Args& args, size_t begin, size_t end,
                                   Row row) {
  for (; begin + kRowsAtOnce <= end; begin += kRowsAtOnce) norm_some<kRowsAtOnce>(args, begin, row);
  for (; begin < end; ++begin) norm_some<1>(args, begin, row);
}

// Sixteen elements of a row, or of the sum of two.
struct PlainRow {
  const float* x;
  OCTET_INLINE F32x16 operator()(size_t i, Mask16 mask, bool whole) const {
    return load(x + i, mask, whole);
  }
};
struct SummedRow {
  const float *x, *other;
  OCTET_INLINE F32x16 operator()(size_t i, Mask16 mask, bool whole) const {
    return simd::add(load(x + i, mask, whole), load(other + i, mask, whole));
  }
};

void rows(const LayerNormF32Args& args, size_t begin, size_t end) {
  const size_t n = args.n;
  const float* x = args.x;
  const float* residual = args.residual;
  if (residual == nullptr)
    norm_rows(args, begin, end, [=](size_t r) OCTET_INLINE { return PlainRow{x + r * n}; });
  else
    norm_rows(args, begin, end, [=](size_t r) OCTET_INLINE {
      return SummedRow{x + r * n, residual + r * n};
    });
}

void moments(const float* x, size_t n, float epsilon, float* mean, float* inverse) {
  const PlainRow at[1] = {{x}};
  float means[1] = {}, inverses[1];
  statistics(n, true, epsilon, at, means, inverses);
  *mean = means[0];
  *inverse = inverses[0];
}

void normalize(const float* x, float* y, size_t n, float mean, float inverse, float scale,
               float bias) {
  each(n, [=](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
    const F32x16 d = simd::sub(load(x + i, mask, whole), simd::set(mean));
    const F32x16 value =
        simd::fma(simd::mul(d, simd::set(inverse)), simd::set(scale), simd::set(bias));
    store(y + i, value, mask, whole);
  });
}

#undef OCTET_INLINE

}  // namespace
}  // namespace octet::kernels
