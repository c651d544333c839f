#pragma once

// Sixteen float lanes as two AVX2 registers. Kernels written over F32x16 (the families' vector.h)
// compile against this or avx512.h and give the same bits. Only files compiled for AVX2, FMA and
// F16C include it.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/math/avx2.h"
#include "kernels/simd/unroll.h"

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
/// The words of a CodeBlock hold row `row` of 8 of column `column` of 16 in this nibble: the low
/// ones of eight columns' bytes are rows 0 to 3, and unpacking bytes leaves two rows in each
/// column.
static constexpr size_t code_place(size_t row, size_t column) {
  const size_t byte = column / 4 * 16 + row / 2 % 2 * 8 + column % 4 * 2 + row % 2;
  return byte * 2 + row / 4;
}
/// Calls f(row, w) for 8 rows of 8 columns, of which `codes` holds rows `first` to first + 3 as 0
/// to 15 for 0 .. 7, -8 .. -1; bias is -16 * scale.
template <class F>
OCTET_SIMD void each_code_row(__m256i codes, size_t first, __m256 scale, __m256 bias, F f) {
  // The upper halves of the floats 16 + code, 8 to 23: their first bytes are all 0x41. Then
  // (16 + code) * scale - 16 * scale, rounded once, is code * scale rounded.
  const __m256i second = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(-128, -120, -112, -104, -96, -88, -80, -72, 0, 16, 32, 48, 64, 80, 96, 112));
  const __m256i bytes = _mm256_shuffle_epi8(second, codes);
  const __m256i top = _mm256_set1_epi8(0x41);
  const __m256i low = _mm256_unpacklo_epi8(bytes, top);
  const __m256i high = _mm256_unpackhi_epi8(bytes, top);
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000U));
  const auto widen = [&](size_t row, __m256i x) __attribute__((always_inline)) {
    f(first + row, _mm256_fmadd_ps(_mm256_castsi256_ps(x), scale, bias));
  };
  widen(0, _mm256_slli_epi32(low, 16));
  widen(1, _mm256_and_si256(low, upper));
  widen(2, _mm256_slli_epi32(high, 16));
  widen(3, _mm256_and_si256(high, upper));
}
/// Calls f(row, half, w) for 8 rows of both halves of 16 columns of signed 4-bit codes: w =
/// float(code) * scale, where positive scales below 2^120 give codes.
template <class F>
OCTET_SIMD void each_code_row(const uint32_t* p, F32x16 scale, F f) {
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256 factors[2] = {scale.lo, scale.hi};
  unroll<2>([&](auto half) __attribute__((always_inline)) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p) + half);
    const __m256 bias = _mm256_mul_ps(factors[half], _mm256_set1_ps(-16.0F));
    const auto row = [&](size_t r, __m256 w) __attribute__((always_inline)) { f(r, half, w); };
    each_code_row(_mm256_and_si256(bytes, mask), 0, factors[half], bias, row);
    each_code_row(_mm256_and_si256(_mm256_srli_epi32(bytes, 4), mask), 4, factors[half], bias, row);
  });
}
/// 8 rows of 16 columns of signed 4-bit codes: row(j) is float(code) * scale, where positive scales
/// below 2^120 give codes.
struct CodeBlock {
  /// Whether `read` leaves the rows at `out`, `stride` floats apart.
  static constexpr bool kInMemory = true;
  __attribute__((always_inline)) void read(const uint32_t* p, F32x16 scale, float* out,
                                           size_t stride) {
    each_code_row(
        p, scale, [&](size_t j, size_t half, __m256 w) __attribute__((always_inline)) {
          _mm256_storeu_ps(out + j * stride + half * 8, w);
        });
    rows = out;
    distance = stride;
  }
  __attribute__((always_inline)) F32x16 row(size_t j) const { return load(rows + j * distance); }
  /// f(j) for j < count <= 8.
  template <class F>
  static __attribute__((always_inline)) void each(size_t count, F f) {
    for (size_t j = 0; j < count; ++j) f(j);
  }
  const float* rows;
  size_t distance;
};
/// sums[r * stride] = fma(a[r][j], row j of the block at p, sums[r * stride]) for j = 0 .. 7, r <
/// kRows.
template <int kRows>
OCTET_SIMD void multiply_codes(const uint32_t* p, F32x16 scale, const float (*a)[8], F32x16* sums,
                               size_t stride) {
  each_code_row(
      p, scale, [&](size_t row, size_t half, __m256 w) __attribute__((always_inline)) {
        unroll<kRows>([&](auto r) __attribute__((always_inline)) {
          F32x16& sum = sums[r * stride];
          __m256& lanes = half == 0 ? sum.lo : sum.hi;
          lanes = _mm256_fmadd_ps(_mm256_broadcast_ss(&a[r][row]), w, lanes);
        });
      });
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
/// The nearest integers (ties to even) plus `offset`, `offset` alone for NaN: the low bytes of the
/// first n <= 16.
OCTET_SIMD void store_bytes(uint8_t* p, F32x16 x, int32_t offset, size_t n) {
  const __m256i add = _mm256_set1_epi32(offset);
  const __m256i low = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  const auto narrow = [&](__m256 v) __attribute__((always_inline)) {
    return _mm256_shuffle_epi8(_mm256_add_epi32(_mm256_cvtps_epi32(v), add), low);
  };
  const __m256i pairs = _mm256_unpacklo_epi32(narrow(x.lo), narrow(x.hi));
  const __m128i bytes =
      _mm_unpacklo_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  if (n == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
    return;
  }
  alignas(16) uint8_t some[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(some), bytes);
  for (size_t i = 0; i < n; ++i) p[i] = some[i];
}
/// Which of n <= 16 bytes aren't 0.
OCTET_SIMD Mask16 nonzero(const uint8_t* p, size_t n) {
  alignas(16) uint8_t some[16] = {};
  if (n < 16)
    for (size_t i = 0; i < n; ++i) some[i] = p[i];
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(n < 16 ? some : p));
  const __m256i zeros = _mm256_setzero_si256();
  const __m256i upper = _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8));
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_cvtepu8_epi32(bytes), zeros)),
          _mm256_castsi256_ps(_mm256_cmpgt_epi32(upper, zeros))};
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
/// Within two numbers; a NaN stays.
OCTET_SIMD F32x16 hold(F32x16 x, F32x16 low, F32x16 high) { return min(high, max(low, x)); }

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

/// p 2^n for whole n, where that is no denormal; NaN stays.
OCTET_SIMD F32x16 times_power_of_two(F32x16 p, F32x16 n) {
  // NaN becomes a multiple of 2^9, which leaves p as it is.
  const auto times = [](__m256 x, __m256 power) __attribute__((always_inline)) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(power), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), exponent));
  };
  return {times(p.lo, n.lo), times(p.hi, n.hi)};
}
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
