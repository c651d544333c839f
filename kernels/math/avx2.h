#pragma once

// The functions of poly.h on 8 lanes, bit for bit. Only files compiled for AVX2 and FMA include it.

#include <immintrin.h>

#include "kernels/math/poly.h"

namespace octet::kernels::math {

#define OCTET_MATH static inline __attribute__((always_inline))

template <int N>
OCTET_MATH __m256 horner(const float (&c)[N], __m256 x) {
  __m256 sum = _mm256_set1_ps(c[N - 1]);
#pragma GCC unroll 16
  for (int i = N - 2; i >= 0; --i) sum = _mm256_fmadd_ps(sum, x, _mm256_set1_ps(c[i]));
  return sum;
}

OCTET_MATH __m256 power_of_two(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

// x = n ln2 + r; gives e^r - 1 and n.
OCTET_MATH __m256 reduced_expm1(__m256 x, __m256i& n) {
  const __m256 whole = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(kLog2E)),
                                       _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  n = _mm256_cvtps_epi32(whole);
  __m256 r = _mm256_fmadd_ps(whole, _mm256_set1_ps(-kLn2High), x);
  r = _mm256_fmadd_ps(whole, _mm256_set1_ps(-kLn2Low), r);
  return _mm256_fmadd_ps(horner(kExp, r), _mm256_mul_ps(r, r), r);
}

OCTET_MATH __m256 exp(__m256 x) {
  // min and max give their second operand when one is NaN.
  x = _mm256_max_ps(_mm256_set1_ps(kExpLow), x);
  x = _mm256_min_ps(_mm256_set1_ps(kExpHigh), x);
  __m256i n;
  const __m256 p = _mm256_add_ps(reduced_expm1(x, n), _mm256_set1_ps(1.0F));
  const __m256i half = _mm256_srai_epi32(n, 1);
  return _mm256_mul_ps(_mm256_mul_ps(p, power_of_two(half)),
                       power_of_two(_mm256_sub_epi32(n, half)));
}

OCTET_MATH __m256 sigmoid(__m256 x) {
  const __m256 one = _mm256_set1_ps(1.0F);
  return _mm256_div_ps(one, _mm256_add_ps(one, exp(_mm256_xor_ps(x, _mm256_set1_ps(-0.0F)))));
}

OCTET_MATH __m256 tanh(__m256 x) {
  const __m256 sign = _mm256_and_ps(x, _mm256_set1_ps(-0.0F));
  const __m256 magnitude = _mm256_min_ps(_mm256_set1_ps(kTanhHigh), _mm256_xor_ps(x, sign));
  __m256i n;
  const __m256 p = reduced_expm1(_mm256_add_ps(magnitude, magnitude), n);
  const __m256 scale = power_of_two(n);
  const __m256 e = _mm256_fmadd_ps(scale, p, _mm256_sub_ps(scale, _mm256_set1_ps(1.0F)));
  return _mm256_or_ps(_mm256_div_ps(e, _mm256_add_ps(e, _mm256_set1_ps(2.0F))), sign);
}

OCTET_MATH __m256 log(__m256 x) {
  const __m256 denormal = _mm256_cmp_ps(x, _mm256_set1_ps(0x1p-126F), _CMP_LT_OQ);
  const __m256 scaled = _mm256_blendv_ps(x, _mm256_mul_ps(x, _mm256_set1_ps(0x1p+23F)), denormal);
  const __m256i split = _mm256_set1_epi32(kLogSplit);
  const __m256i bits = _mm256_sub_epi32(_mm256_castps_si256(scaled), split);
  const __m256i shift = _mm256_and_si256(_mm256_castps_si256(denormal), _mm256_set1_epi32(23));
  const __m256 e = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srai_epi32(bits, 23), shift));
  const __m256i mantissa =
      _mm256_add_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff)), split);
  const __m256 f = _mm256_sub_ps(_mm256_castsi256_ps(mantissa), _mm256_set1_ps(1.0F));
  const __m256 f2 = _mm256_mul_ps(f, f);
  __m256 sum = _mm256_fmadd_ps(e, _mm256_set1_ps(kLn2Low),
                               _mm256_mul_ps(_mm256_mul_ps(f, f2), horner(kLog, f)));
  sum = _mm256_add_ps(_mm256_fmadd_ps(f2, _mm256_set1_ps(-0.5F), sum), f);
  sum = _mm256_fmadd_ps(e, _mm256_set1_ps(kLn2High), sum);
  const __m256 infinity = _mm256_set1_ps(__builtin_inff());
  const __m256 zero = _mm256_setzero_ps();
  sum = _mm256_blendv_ps(sum, infinity, _mm256_cmp_ps(x, infinity, _CMP_EQ_OQ));
  sum = _mm256_blendv_ps(sum, _mm256_sub_ps(zero, infinity), _mm256_cmp_ps(x, zero, _CMP_EQ_OQ));
  return _mm256_blendv_ps(sum, _mm256_set1_ps(__builtin_nanf("")),
                          _mm256_cmp_ps(x, zero, _CMP_NGE_UQ));
}

OCTET_MATH __m256 erf(__m256 x) {
  const __m256 sign = _mm256_and_ps(x, _mm256_set1_ps(-0.0F));
  const __m256 magnitude = _mm256_min_ps(_mm256_set1_ps(kErfHigh), _mm256_xor_ps(x, sign));
  const __m256 square = _mm256_mul_ps(magnitude, magnitude);
  const __m256 value =
      _mm256_div_ps(_mm256_mul_ps(magnitude, horner(kErfP, square)), horner(kErfQ, square));
  return _mm256_or_ps(_mm256_min_ps(_mm256_set1_ps(1.0F), value), sign);
}

#undef OCTET_MATH

}  // namespace octet::kernels::math
