#pragma once

// Sixteen float lanes as two AVX2 registers. Kernels written over F32x16 (the families' vector.h)
// compile against this or avx512.h and give the same bits. Only files compiled for AVX2, FMA and
// F16C include it.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/math/avx2.h"

namespace octet::kernels::simd {
inline namespace avx2 {

#define OCTET_SIMD static inline __attribute__((always_inline))

/// How many F32x16 the registers hold.
constexpr int kRegisters = 8;

struct F32x16 {
  __m256 lo, hi;
};
/// All bits of a lane are set or none.
struct Mask16 {
  __m256 lo, hi;
};

OCTET_SIMD F32x16 set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
OCTET_SIMD void prefetch(const float* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}
OCTET_SIMD F32x16 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
OCTET_SIMD F32x16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
OCTET_SIMD void store(float* p, F32x16 x) {
  _mm256_storeu_ps(p, x.lo);
  _mm256_storeu_ps(p + 8, x.hi);
}
/// Sixteen binary16 values, widened exactly.
OCTET_SIMD F32x16 load_half(const uint16_t* p) {
  const auto* halfs = reinterpret_cast<const __m128i*>(p);
  return {_mm256_cvtph_ps(_mm_loadu_si128(halfs)), _mm256_cvtph_ps(_mm_loadu_si128(halfs + 1))};
}
/// Of each of sixteen words the signed 4-bit code that ends `shift` bits below its top.
OCTET_SIMD F32x16 load_nibble(const uint32_t* p, int shift) {
  const auto* words = reinterpret_cast<const __m256i*>(p);
  const __m128i count = _mm_cvtsi32_si128(shift);
  const __m256i low = _mm256_sll_epi32(_mm256_loadu_si256(words), count);
  const __m256i high = _mm256_sll_epi32(_mm256_loadu_si256(words + 1), count);
  return {_mm256_cvtepi32_ps(_mm256_srai_epi32(low, 28)),
          _mm256_cvtepi32_ps(_mm256_srai_epi32(high, 28))};
}

/// Lanes [0, n), n <= 16.
OCTET_SIMD Mask16 first(size_t n) {
  const __m256i count = _mm256_set1_epi32(static_cast<int>(n));
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i upper = _mm256_add_epi32(lane, _mm256_set1_epi32(8));
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(count, lane)),
          _mm256_castsi256_ps(_mm256_cmpgt_epi32(count, upper))};
}
/// Zero where the mask is off; memory there isn't touched.
OCTET_SIMD F32x16 load(const float* p, Mask16 m) {
  return {_mm256_maskload_ps(p, _mm256_castps_si256(m.lo)),
          _mm256_maskload_ps(p + 8, _mm256_castps_si256(m.hi))};
}
OCTET_SIMD void store(float* p, F32x16 x, Mask16 m) {
  _mm256_maskstore_ps(p, _mm256_castps_si256(m.lo), x.lo);
  _mm256_maskstore_ps(p + 8, _mm256_castps_si256(m.hi), x.hi);
}

#define OCTET_BINARY(name, intrinsic)                      \
  OCTET_SIMD F32x16 name(F32x16 a, F32x16 b) {             \
    return {intrinsic(a.lo, b.lo), intrinsic(a.hi, b.hi)}; \
  }
OCTET_BINARY(add, _mm256_add_ps)
OCTET_BINARY(sub, _mm256_sub_ps)
OCTET_BINARY(mul, _mm256_mul_ps)
OCTET_BINARY(div, _mm256_div_ps)
OCTET_BINARY(bit_and, _mm256_and_ps)
OCTET_BINARY(bit_xor, _mm256_xor_ps)
/// a > b ? a : b, so b when either is NaN.
OCTET_BINARY(max, _mm256_max_ps)
/// a < b ? a : b, so b when either is NaN.
OCTET_BINARY(min, _mm256_min_ps)
#undef OCTET_BINARY

#define OCTET_UNARY(name, intrinsic) \
  OCTET_SIMD F32x16 name(F32x16 x) { return {intrinsic(x.lo), intrinsic(x.hi)}; }
OCTET_UNARY(sqrt, _mm256_sqrt_ps)
OCTET_UNARY(floor, _mm256_floor_ps)
OCTET_UNARY(ceil, _mm256_ceil_ps)
OCTET_UNARY(exp, math::exp)
OCTET_UNARY(log, math::log)
OCTET_UNARY(sigmoid, math::sigmoid)
OCTET_UNARY(tanh, math::tanh)
OCTET_UNARY(erf, math::erf)
#undef OCTET_UNARY

OCTET_SIMD F32x16 round_even(F32x16 x) {
  constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(x.lo, kMode), _mm256_round_ps(x.hi, kMode)};
}
/// a * b + c, rounded once.
OCTET_SIMD F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
OCTET_SIMD Mask16 less(F32x16 a, F32x16 b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
}
OCTET_SIMD Mask16 equal(F32x16 a, F32x16 b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ)};
}
OCTET_SIMD Mask16 is_nan(F32x16 x) {
  return {_mm256_cmp_ps(x.lo, x.lo, _CMP_UNORD_Q), _mm256_cmp_ps(x.hi, x.hi, _CMP_UNORD_Q)};
}
/// m ? a : b.
OCTET_SIMD F32x16 select(Mask16 m, F32x16 a, F32x16 b) {
  return {_mm256_blendv_ps(b.lo, a.lo, m.lo), _mm256_blendv_ps(b.hi, a.hi, m.hi)};
}

/// Combines the lanes: 8 apart, 4, 2, 1.
template <typename Op128, typename Op256>
OCTET_SIMD float tree(F32x16 x, Op256 op256, Op128 op128) {
  const __m256 a = op256(x.lo, x.hi);
  const __m128 b = op128(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 c = op128(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(op128(c, _mm_shuffle_ps(c, c, 1)));
}
OCTET_SIMD float sum_lanes(F32x16 x) {
  return tree(
      x, [](__m256 a, __m256 b) { return _mm256_add_ps(a, b); },
      [](__m128 a, __m128 b) { return _mm_add_ps(a, b); });
}
OCTET_SIMD float product_lanes(F32x16 x) {
  return tree(
      x, [](__m256 a, __m256 b) { return _mm256_mul_ps(a, b); },
      [](__m128 a, __m128 b) { return _mm_mul_ps(a, b); });
}
OCTET_SIMD float max_lanes(F32x16 x) {
  return tree(
      x, [](__m256 a, __m256 b) { return _mm256_max_ps(a, b); },
      [](__m128 a, __m128 b) { return _mm_max_ps(a, b); });
}
OCTET_SIMD float min_lanes(F32x16 x) {
  return tree(
      x, [](__m256 a, __m256 b) { return _mm256_min_ps(a, b); },
      [](__m128 a, __m128 b) { return _mm_min_ps(a, b); });
}
OCTET_SIMD bool any(Mask16 m) { return _mm256_movemask_ps(_mm256_or_ps(m.lo, m.hi)) != 0; }

#undef OCTET_SIMD

}  // namespace avx2
}  // namespace octet::kernels::simd
