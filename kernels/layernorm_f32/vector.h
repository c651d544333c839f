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

// How many rows are summed side by side: the chain of one fills the gaps of another's.
constexpr size_t kRowsAtOnce = simd::kRegisters < 32 ? 2 : 4;

// sums[r] = the sum of term(r, i, mask, whole, sum so far) over i, where a term adds to its sum.
template <size_t kRows, typename Term>
inline OCTET_INLINE void sum_rows(size_t n, float (&sums)[kRows], Term term) {
  F32x16 sum[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) sum[r] = simd::zero();
  each(n, [&](size_t i, Mask16 mask, bool whole) OCTET_INLINE {
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      const F32x16 next = term(r, i, mask, whole, sum[r]);
      sum[r] = whole ? next : simd::select(mask, next, sum[r]);
    }
  });
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) sums[r] = simd::sum_lanes(sum[r]);
}

// The means of rows of at(r, i, mask, whole).
template <size_t kRows, typename At>
inline OCTET_INLINE void means(size_t n, float (&mean)[kRows], At at) {
  sum_rows<kRows>(n, mean,
                  [&](size_t r, size_t i, Mask16 mask, bool whole, F32x16 sum)
                      OCTET_INLINE { return simd::add(sum, at(r, i, mask, whole)); });
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) mean[r] /= static_cast<float>(n);
}

// 1 / sqrt(sum of (at - mean)^2 / n + epsilon).
template <size_t kRows, typename At>
inline OCTET_INLINE void inverse_deviations(size_t n, const float (&mean)[kRows], float epsilon,
                                            float (&inverse)[kRows], At at) {
  F32x16 center[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) center[r] = simd::set(mean[r]);
  sum_rows<kRows>(n, inverse,
                  [&](size_t r, size_t i, Mask16 mask, bool whole, F32x16 sum) OCTET_INLINE {
                    const F32x16 d = simd::sub(at(r, i, mask, whole), center[r]);
                    return simd::fma(d, d, sum);
                  });
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
    inverse[r] = 1.0F / __builtin_sqrtf(inverse[r] / static_cast<float>(n) + epsilon);
}

// What a pass over a row writes: y, codes, or whatever the arguments ask for. The first two are for
// a scale and a bias, and no `sum`.
enum class Written { floats, codes, any };

// What a row's statistics make of it.
template <Written kWritten, typename At>
inline OCTET_INLINE void write_row(const LayerNormF32Args& args, size_t r, float mean,
                                   float inverse, At at) {
  constexpr bool kAny = kWritten == Written::any;
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
    if (kAny && kept != nullptr) store(kept + i, value, mask, whole);
    const F32x16 normalized = simd::mul(simd::sub(value, center), factor);
    const F32x16 scale =
        !kAny || scales != nullptr ? load(scales + i, mask, whole) : simd::set(1.0F);
    const F32x16 bias = !kAny || biases != nullptr ? load(biases + i, mask, whole) : simd::zero();
    const F32x16 end = simd::fma(normalized, scale, bias);
    if (kWritten == Written::floats || (kAny && y != nullptr))
      store(y + i, end, mask, whole);
    else
      simd::store_codes(codes + i, end, to, whole ? kLanes : n - i);
  });
}

template <typename At>
inline OCTET_INLINE void finish_row(const LayerNormF32Args& args, size_t r, float mean,
                                    float inverse, At at) {
  if (args.scale == nullptr || args.bias == nullptr || args.sum != nullptr)
    write_row<Written::any>(args, r, mean, inverse, at);
  else if (args.codes != nullptr)
    write_row<Written::codes>(args, r, mean, inverse, at);
  else
    write_row<Written::floats>(args, r, mean, inverse, at);
  if (args.mean != nullptr && args.kind == NormF32::layer) args.mean[r] = mean;
  if (args.inverse != nullptr) args.inverse[r] = inverse;
}

// kRows rows from `begin` on, elements by row(r)(i, mask, whole).
template <size_t kRows, typename Row>
inline OCTET_INLINE void norm_rows(const LayerNormF32Args& args, size_t begin, Row row) {
  const auto at = [=](size_t r, size_t i, Mask16 mask, bool whole)
                      OCTET_INLINE { return row(begin + r)(i, mask, whole); };
  float mean[kRows] = {}, inverse[kRows];
  if (args.kind == NormF32::layer) means<kRows>(args.n, mean, at);
  inverse_deviations<kRows>(args.n, mean, args.epsilon, inverse, at);
  for (size_t r = 0; r < kRows; ++r)
    finish_row(args, begin + r, mean[r], inverse[r], row(begin + r));
}

// Rows [begin, end).
template <typename Row>
inline OCTET_INLINE void norm_all(const LayerNormF32Args& args, size_t begin, size_t end, Row row) {
  for (; begin + kRowsAtOnce <= end; begin += kRowsAtOnce) norm_rows<kRowsAtOnce>(args, begin, row);
  for (; begin < end; ++begin) norm_rows<1>(args, begin, row);
}

void rows(const LayerNormF32Args& args, size_t begin, size_t end) {
  const size_t n = args.n;
  const float* x = args.x;
  const float* residual = args.residual;
  if (residual == nullptr)
    norm_all(args, begin, end, [=](size_t r) OCTET_INLINE {
      return [at = x + r * n](size_t i, Mask16 mask, bool whole)
                 OCTET_INLINE { return load(at + i, mask, whole); };
    });
  else
    norm_all(args, begin, end, [=](size_t r) OCTET_INLINE {
      return [at = x + r * n, other = residual + r * n](size_t i, Mask16 mask, bool whole)
                 OCTET_INLINE {
                   return simd::add(load(at + i, mask, whole), load(other + i, mask, whole));
                 };
    });
}

void moments(const float* x, size_t n, float epsilon, float* mean, float* inverse) {
  const auto at = [=](size_t /*row*/, size_t i, Mask16 mask, bool whole)
                      OCTET_INLINE { return load(x + i, mask, whole); };
  float center[1], factor[1];
  means<1>(n, center, at);
  inverse_deviations<1>(n, center, epsilon, factor, at);
  *mean = center[0];
  *inverse = factor[0];
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
