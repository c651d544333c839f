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

template <typename At>
inline OCTET_INLINE void norm_row(const LayerNormF32Args& args, size_t r, At at) {
  const size_t n = args.n;
  float* y = args.y + r * n;
  float* kept = args.sum != nullptr ? args.sum + r * n : nullptr;
  const float mean = args.kind == NormF32::layer ? sum_of(n, at) / static_cast<float>(n) : 0.0F;
  const float inverse = inverse_deviation(n, mean, args.epsilon, at);
  const F32x16 center = simd::set(mean);
  const F32x16 factor = simd::set(inverse);
  each(n, [&](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
    const F32x16 value = at(i, mask, whole);
    if (kept != nullptr) store(kept + i, value, mask, whole);
    const F32x16 normalized = simd::mul(simd::sub(value, center), factor);
    const F32x16 scale =
        args.scale != nullptr ? load(args.scale + i, mask, whole) : simd::set(1.0F);
    const F32x16 bias = args.bias != nullptr ? load(args.bias + i, mask, whole) : simd::zero();
    store(y + i, simd::fma(normalized, scale, bias), mask, whole);
  });
  if (args.mean != nullptr && args.kind == NormF32::layer) args.mean[r] = mean;
  if (args.inverse != nullptr) args.inverse[r] = inverse;
}

void rows(const LayerNormF32Args& args, size_t begin, size_t end) {
  for (size_t r = begin; r < end; ++r) {
    const float* x = args.x + r * args.n;
    const float* residual = args.residual != nullptr ? args.residual + r * args.n : nullptr;
    if (residual == nullptr) {
      norm_row(args, r, [=](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
        return load(x + i, mask, whole);
      });
    } else {
      norm_row(args, r, [=](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
        return simd::add(load(x + i, mask, whole), load(residual + i, mask, whole));
      });
    }
  }
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
