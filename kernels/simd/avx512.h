#pragma once

// Sixteen float lanes as one AVX-512 register: the same operations as avx2.h, the same bits. Only
// files compiled for AVX512F and AVX512DQ include it.

// g++ 12's own header makes undefined registers by reading them before they are set.
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/math/avx512.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels::simd {
inline namespace avx512 {

#define OCTET_SIMD static inline __attribute__((always_inline))

/// How many F32x16 the registers hold.
constexpr int kRegisters = 32;

struct F32x16 {
  __m512 v;
};
struct Mask16 {
  __mmask16 m;
};

OCTET_SIMD F32x16 set(float x) { return {_mm512_set1_ps(x)}; }
OCTET_SIMD void prefetch(const float* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}
OCTET_SIMD F32x16 zero() { return {_mm512_setzero_ps()}; }
OCTET_SIMD F32x16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
OCTET_SIMD void store(float* p, F32x16 x) { _mm512_storeu_ps(p, x.v); }

/// Sixteen binary16 values, widened exactly.
OCTET_SIMD F32x16 load_half(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
/// The words of a CodeBlock hold row `row` of 8 of column `column` of 16 in this nibble.
static constexpr size_t code_place(size_t row, size_t column) { return column * 8 + row; }
/// 8 rows of 16 columns of signed 4-bit codes: row(j) is float(code) * scale, where positive scales
/// below 2^120 give codes.
struct CodeBlock {
  static constexpr bool kInMemory = false;
  __attribute__((always_inline)) void read(const uint32_t* p, F32x16 by, float* = nullptr,
                                           size_t = 0) {
    words = _mm512_loadu_si512(p);
    scale = by.v;
  }
  template <int kRow>
  __attribute__((always_inline)) F32x16 row(Index<kRow>) const {
    // A permutation takes the lowest 4 bits of its indices.
    const __m512 codes = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    const __m512i index = _mm512_srli_epi32(words, 4 * kRow);
    return {_mm512_mul_ps(_mm512_permutexvar_ps(index, codes), scale)};
  }
  /// f(j) for j < count <= 8.
  template <class F>
  static __attribute__((always_inline)) void each(size_t count, F f) {
    unroll<8>([&](auto j) __attribute__((always_inline)) {
      if (static_cast<size_t>(j.value) < count) f(j);
    });
  }
  __m512i words;
  __m512 scale;
};
/// sums[r * stride] = fma(a[r][j], row j of the block at p, sums[r * stride]) for j = 0 .. 7, r <
/// kRows.
template <int kRows>
OCTET_SIMD void multiply_codes(const uint32_t* p, F32x16 scale, const float (*a)[8], F32x16* sums,
                               size_t stride) {
  CodeBlock codes;
  codes.read(p, scale);
  unroll<8>([&](auto j) __attribute__((always_inline)) {
    const F32x16 w = codes.row(j);
    unroll<kRows>([&](auto r) __attribute__((always_inline)) {
      __m512& sum = sums[r * stride].v;
      sum = _mm512_fmadd_ps(_mm512_set1_ps(a[r][j]), w.v, sum);
    });
  });
}
/// Lanes [0, n), n <= 16.
OCTET_SIMD Mask16 first(size_t n) { return {static_cast<__mmask16>((1U << n) - 1U)}; }
/// Zero where the mask is off; memory there isn't touched.
OCTET_SIMD F32x16 load(const float* p, Mask16 m) { return {_mm512_maskz_loadu_ps(m.m, p)}; }
OCTET_SIMD void store(float* p, F32x16 x, Mask16 m) { _mm512_mask_storeu_ps(p, m.m, x.v); }
/// The nearest integers (ties to even) plus `offset`, `offset` alone for NaN: the low bytes of the
/// first n <= 16.
OCTET_SIMD void store_bytes(uint8_t* p, F32x16 x, int32_t offset, size_t n) {
  const __m512i codes = _mm512_add_epi32(_mm512_cvtps_epi32(x.v), _mm512_set1_epi32(offset));
  const __m128i bytes = _mm512_cvtepi32_epi8(codes);
  if (n == 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  else
    _mm_mask_storeu_epi8(p, first(n).m, bytes);
}
/// Which of n <= 16 bytes aren't 0.
OCTET_SIMD Mask16 nonzero(const uint8_t* p, size_t n) {
  const __m512i wide = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(n).m, p));
  return {_mm512_test_epi32_mask(wide, wide)};
}

#define OCTET_BINARY(name, intrinsic) \
  OCTET_SIMD F32x16 name(F32x16 a, F32x16 b) { return {intrinsic(a.v, b.v)}; }
OCTET_BINARY(add, _mm512_add_ps)
OCTET_BINARY(sub, _mm512_sub_ps)
OCTET_BINARY(mul, _mm512_mul_ps)
OCTET_BINARY(div, _mm512_div_ps)
OCTET_BINARY(bit_and, _mm512_and_ps)
OCTET_BINARY(bit_xor, _mm512_xor_ps)
/// a > b ? a : b, so b when either is NaN.
OCTET_BINARY(max, _mm512_max_ps)
/// a < b ? a : b, so b when either is NaN.
OCTET_BINARY(min, _mm512_min_ps)
#undef OCTET_BINARY
/// Within two numbers; a NaN stays.
OCTET_SIMD F32x16 hold(F32x16 x, F32x16 low, F32x16 high) { return min(high, max(low, x)); }

#define OCTET_UNARY(name, intrinsic) \
  OCTET_SIMD F32x16 name(F32x16 x) { return {intrinsic(x.v)}; }
OCTET_UNARY(sqrt, _mm512_sqrt_ps)
OCTET_UNARY(exp, math::exp)
OCTET_UNARY(log, math::log)
OCTET_UNARY(sigmoid, math::sigmoid)
OCTET_UNARY(tanh, math::tanh)
OCTET_UNARY(erf, math::erf)
#undef OCTET_UNARY

/// p 2^n for whole n, where that is no denormal; NaN stays.
OCTET_SIMD F32x16 times_power_of_two(F32x16 p, F32x16 n) { return {_mm512_scalef_ps(p.v, n.v)}; }
OCTET_SIMD F32x16 floor(F32x16 x) {
  return {_mm512_roundscale_ps(x.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
OCTET_SIMD F32x16 ceil(F32x16 x) {
  return {_mm512_roundscale_ps(x.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
OCTET_SIMD F32x16 round_even(F32x16 x) {
  return {_mm512_roundscale_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// a * b + c, rounded once.
OCTET_SIMD F32x16 fma(F32x16 a, F32x16 b, F32x16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
OCTET_SIMD Mask16 less(F32x16 a, F32x16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
OCTET_SIMD Mask16 equal(F32x16 a, F32x16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
OCTET_SIMD Mask16 is_nan(F32x16 x) { return {_mm512_cmp_ps_mask(x.v, x.v, _CMP_UNORD_Q)}; }
/// m ? a : b.
OCTET_SIMD F32x16 select(Mask16 m, F32x16 a, F32x16 b) {
  return {_mm512_mask_blend_ps(m.m, b.v, a.v)};
}

/// Combines the lanes: 8 apart, 4, 2, 1.
template <typename Op128, typename Op256>
OCTET_SIMD float tree(F32x16 x, Op256 op256, Op128 op128) {
  const __m256 a = op256(_mm512_extractf32x8_ps(x.v, 0), _mm512_extractf32x8_ps(x.v, 1));
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
OCTET_SIMD bool any(Mask16 m) { return m.m != 0; }

#undef OCTET_SIMD

}  // namespace avx512
}  // namespace octet::kernels::simd
