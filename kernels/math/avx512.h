#pragma once

// The functions of poly.h on 16 lanes, bit for bit. Only files compiled for AVX512F and AVX512DQ
// include it.

#include <immintrin.h>

#include "kernels/math/poly.h"

namespace octet::kernels::math {

#define OCTET_MATH static inline __attribute__((always_inline))

template <int N>
OCTET_MATH __m512 horner(const float (&c)[N], __m512 x) {
  __m512 sum = _mm512_set1_ps(c[N - 1]);
#pragma GCC unroll 16
  for (int i = N - 2; i >= 0; --i) sum = _mm512_fmadd_ps(sum, x, _mm512_set1_ps(c[i]));
  return sum;
}

// x = n ln2 + r; gives e^r - 1 and n, a whole number.
OCTET_MATH __m512 reduced_expm1(__m512 x, __m512& n) {
  n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(kLog2E)),
                           _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2High), x);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2Low), r);
  return _mm512_fmadd_ps(horner(kExp, r), _mm512_mul_ps(r, r), r);
}

OCTET_MATH __m512 exp(__m512 x) {
  // min and max give their second operand when one is NaN.
  x = _mm512_max_ps(_mm512_set1_ps(kExpLow), x);
  x = _mm512_min_ps(_mm512_set1_ps(kExpHigh), x);
  __m512 n;
  const __m512 p = _mm512_add_ps(reduced_expm1(x, n), _mm512_set1_ps(1.0F));
  // p 2^n rounded once, which is what multiplying by two exact powers gives.
  return _mm512_scalef_ps(p, n);
}

OCTET_MATH __m512 sigmoid(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0F);
  return _mm512_div_ps(one, _mm512_add_ps(one, exp(_mm512_xor_ps(x, _mm512_set1_ps(-0.0F)))));
}

OCTET_MATH __m512 tanh(__m512 x) {
  const __m512 sign = _mm512_and_ps(x, _mm512_set1_ps(-0.0F));
  const __m512 magnitude = _mm512_min_ps(_mm512_set1_ps(kTanhHigh), _mm512_xor_ps(x, sign));
  __m512 n;
  const __m512 p = reduced_expm1(_mm512_add_ps(magnitude, magnitude), n);
  const __m512 scale = _mm512_scalef_ps(_mm512_set1_ps(1.0F), n);
  const __m512 e = _mm512_fmadd_ps(scale, p, _mm512_sub_ps(scale, _mm512_set1_ps(1.0F)));
  return _mm512_or_ps(_mm512_div_ps(e, _mm512_add_ps(e, _mm512_set1_ps(2.0F))), sign);
}

OCTET_MATH __m512 log(__m512 x) {
  const __mmask16 denormal = _mm512_cmp_ps_mask(x, _mm512_set1_ps(0x1p-126F), _CMP_LT_OQ);
  const __m512 scaled = _mm512_mask_mul_ps(x, denormal, x, _mm512_set1_ps(0x1p+23F));
  const __m512i split = _mm512_set1_epi32(kLogSplit);
  const __m512i bits = _mm512_sub_epi32(_mm512_castps_si512(scaled), split);
  const __m512i shift = _mm512_maskz_set1_epi32(denormal, 23);
  const __m512 e = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_srai_epi32(bits, 23), shift));
  const __m512i mantissa =
      _mm512_add_epi32(_mm512_and_si512(bits, _mm512_set1_epi32(0x7fffff)), split);
  const __m512 f = _mm512_sub_ps(_mm512_castsi512_ps(mantissa), _mm512_set1_ps(1.0F));
  const __m512 f2 = _mm512_mul_ps(f, f);
  __m512 sum = _mm512_fmadd_ps(e, _mm512_set1_ps(kLn2Low),
                               _mm512_mul_ps(_mm512_mul_ps(f, f2), horner(kLog, f)));
  sum = _mm512_add_ps(_mm512_fmadd_ps(f2, _mm512_set1_ps(-0.5F), sum), f);
  sum = _mm512_fmadd_ps(e, _mm512_set1_ps(kLn2High), sum);
  const __m512 infinity = _mm512_set1_ps(__builtin_inff());
  const __m512 zero = _mm512_setzero_ps();
  sum = _mm512_mask_mov_ps(sum, _mm512_cmp_ps_mask(x, infinity, _CMP_EQ_OQ), infinity);
  sum = _mm512_mask_mov_ps(sum, _mm512_cmp_ps_mask(x, zero, _CMP_EQ_OQ),
                           _mm512_sub_ps(zero, infinity));
  return _mm512_mask_mov_ps(sum, _mm512_cmp_ps_mask(x, zero, _CMP_NGE_UQ),
                            _mm512_set1_ps(__builtin_nanf("")));
}

OCTET_MATH __m512 erf(__m512 x) {
  const __m512 sign = _mm512_and_ps(x, _mm512_set1_ps(-0.0F));
  const __m512 magnitude = _mm512_min_ps(_mm512_set1_ps(kErfHigh), _mm512_xor_ps(x, sign));
  const __m512 square = _mm512_mul_ps(magnitude, magnitude);
  const __m512 value =
      _mm512_div_ps(_mm512_mul_ps(magnitude, horner(kErfP, square)), horner(kErfQ, square));
  return _mm512_or_ps(_mm512_min_ps(_mm512_set1_ps(1.0F), value), sign);
}

#undef OCTET_MATH

}  // namespace octet::kernels::math
