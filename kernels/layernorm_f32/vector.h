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

// The sum of at(i, mask, whole).
template <typename At>
inline OCTET_INLINE float sum_of(size_t n, At at) {
  F32x16 sum = simd::zero();
  each(n, [&](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
    const F32x16 next = simd::add(sum, at(i, mask, whole));
    sum = whole ? next : simd::select(mask, next, sum);
  });
  return simd::sum_lanes(sum);
}

// 1 / sqrt(sum of (at - mean)^2 / n + epsilon).
template <typename At>
inline OCTET_INLINE float inverse_deviation(size_t n, float mean, float epsilon, At at) {
  const F32x16 center = simd::set(mean);
  F32x16 sum = simd::zero();
  each(n, [&](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
    const F32x16 d = simd::sub(at(i, mask, whole), center);
    const F32x16 next = simd::fma(d, d, sum);
    sum = whole ? next : simd::select(mask, next, sum);
  });
  const float variance = simd::sum_lanes(sum) / static_cast<float>(n);
  return 1.0F / __builtin_sqrtf(variance + epsilon);
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

// Rows whose passes follow one another, so that the sums of one are awaited while others run.
constexpr size_t kRowsAtOnce = 4;

// Rows [begin, end), elements by row(r)(i, mask, whole).
template <typename Row>
inline OCTET_INLINE void norm_rows(const LayerNormF32Args& args, size_t begin, size_t end,
                                   Row row) {
  for (; begin < end; begin += kRowsAtOnce) {
    const size_t count = end - begin < kRowsAtOnce ? end - begin : kRowsAtOnce;
    float mean[kRowsAtOnce] = {}, inverse[kRowsAtOnce];
    if (args.kind == NormF32::layer)
      for (size_t r = 0; r < count; ++r)
        mean[r] = sum_of(args.n, row(begin + r)) / static_cast<float>(args.n);
    for (size_t r = 0; r < count; ++r)
      inverse[r] = inverse_deviation(args.n, mean[r], args.epsilon, row(begin + r));
    for (size_t r = 0; r < count; ++r)
      finish_row(args, begin + r, mean[r], inverse[r], row(begin + r));
  }
}

void rows(const LayerNormF32Args& args, size_t begin, size_t end) {
  const size_t n = args.n;
  const float* x = args.x;
  const float* residual = args.residual;
  if (residual == nullptr)
    norm_rows(args, begin, end, [=](size_t r) OCTET_INLINE {
      return [at = x + r * n](size_t i, Mask16 mask, bool whole)
                 OCTET_INLINE { return load(at + i, mask, whole); };
    });
  else
    norm_rows(args, begin, end, [=](size_t r) OCTET_INLINE {
      return [at = x + r * n, other = residual + r * n](size_t i, Mask16 mask, bool whole)
                 OCTET_INLINE {
                   return simd::add(load(at + i, mask, whole), load(other + i, mask, whole));
                 };
    });
}

void moments(const float* x, size_t n, float epsilon, float* mean, float* inverse) {
  const auto at = [=](size_t i, Mask16 mask, bool whole)
                      OCTET_INLINE { return load(x + i, mask, whole); };
  *mean = sum_of(n, at) / static_cast<float>(n);
  *inverse = inverse_deviation(n, *mean, epsilon, at);
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
