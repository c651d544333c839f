#pragma once

// The functions of poly.h on 4 lanes, bit for bit. Only files compiled for NEON include it.

#include <arm_neon.h>

#include "kernels/math/poly.h"

namespace octet::kernels::math {

#define OCTET_MATH static inline __attribute__((always_inline))

// a > b ? a : b and a < b ? a : b, so b when either is NaN.
OCTET_MATH float32x4_t greater(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}
OCTET_MATH float32x4_t lesser(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcltq_f32(a, b), a, b);
}

template <int N>
OCTET_MATH float32x4_t horner(const float (&c)[N], float32x4_t x) {
  float32x4_t sum = vdupq_n_f32(c[N - 1]);
#pragma GCC unroll 16
  for (int i = N - 2; i >= 0; --i) sum = vfmaq_f32(vdupq_n_f32(c[i]), sum, x);
  return sum;
}

// The bits of 2^n are kOneBits + n * kExponent.
constexpr int32_t kExponent = 1 << 23, kOneBits = 127 * kExponent;

// x = n ln2 + r; gives e^r - 1 and n * kExponent.
OCTET_MATH float32x4_t reduced_expm1(float32x4_t x, int32x4_t& n) {
  const float32x4_t whole = vrndnq_f32(vmulq_f32(x, vdupq_n_f32(kLog2E)));
  n = vcvtq_n_s32_f32(whole, 23);
  float32x4_t r = vfmaq_f32(x, whole, vdupq_n_f32(-kLn2High));
  r = vfmaq_f32(r, whole, vdupq_n_f32(-kLn2Low));
  return vfmaq_f32(r, horner(kExp, r), vmulq_f32(r, r));
}

OCTET_MATH float32x4_t exp(float32x4_t x) {
  x = vminq_f32(vmaxq_f32(x, vdupq_n_f32(kExpLow)), vdupq_n_f32(kExpHigh));  // NaN stays
  int32x4_t n;
  const float32x4_t p = vaddq_f32(reduced_expm1(x, n), vdupq_n_f32(1.0F));
  const int32x4_t half = vbicq_s32(vshrq_n_s32(n, 1), vdupq_n_s32(kExponent / 2));
  // p is near 1: times 2^half it is a normal number.
  const int32x4_t scaled = vaddq_s32(vreinterpretq_s32_f32(p), half);
  const int32x4_t rest = vaddq_s32(vsubq_s32(n, half), vdupq_n_s32(kOneBits));
  return vmulq_f32(vreinterpretq_f32_s32(scaled), vreinterpretq_f32_s32(rest));
}

// 1 / (1 + e^-x), where the exponential is exp's with the signs of x, n and r turned: that rounds
// nothing otherwise. Past the upper bound the sum is 1 all the same.
OCTET_MATH float32x4_t sigmoid(float32x4_t x) {
  const float32x4_t one = vdupq_n_f32(1.0F);
  x = vmaxq_f32(vminq_f32(x, vdupq_n_f32(86.0F)), vdupq_n_f32(-kExpHigh));  // NaN stays
  const float32x4_t whole = vrndnq_f32(vmulq_f32(x, vdupq_n_f32(kLog2E)));
  float32x4_t r = vfmaq_f32(x, whole, vdupq_n_f32(-kLn2High));
  r = vfmaq_f32(r, whole, vdupq_n_f32(-kLn2Low));
  float32x4_t sum = vdupq_n_f32(kExp[4]);
#pragma GCC unroll 4
  for (int i = 3; i >= 0; --i) sum = vfmsq_f32(vdupq_n_f32(kExp[i]), sum, r);
  // Half of e^-x is a normal number, or NaN.
  const float32x4_t by = vdupq_n_f32(0.5F);
  const float32x4_t p = vfmsq_f32(by, vfmsq_f32(r, sum, vmulq_f32(r, r)), by);
  const int32x4_t half = vsubq_s32(vreinterpretq_s32_f32(p), vcvtq_n_s32_f32(whole, 23));
  const float32x4_t e = vreinterpretq_f32_s32(half);
  return vdivq_f32(one, vaddq_f32(one, vaddq_f32(e, e)));
}

// The sign bits of `sign` with the rest of `x`.
OCTET_MATH float32x4_t with_sign(float32x4_t x, float32x4_t sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000U), sign, x);
}

OCTET_MATH float32x4_t tanh(float32x4_t x) {
  const float32x4_t magnitude = vminq_f32(vabsq_f32(x), vdupq_n_f32(kTanhHigh));  // NaN stays
  int32x4_t n;
  const float32x4_t p = reduced_expm1(vaddq_f32(magnitude, magnitude), n);
  const float32x4_t scale = vreinterpretq_f32_s32(vaddq_s32(n, vdupq_n_s32(kOneBits)));
  const float32x4_t e = vfmaq_f32(vsubq_f32(scale, vdupq_n_f32(1.0F)), scale, p);
  return with_sign(vdivq_f32(e, vaddq_f32(e, vdupq_n_f32(2.0F))), x);
}

OCTET_MATH float32x4_t log(float32x4_t x) {
  const uint32x4_t denormal = vcltq_f32(x, vdupq_n_f32(0x1p-126F));
  const float32x4_t scaled = vbslq_f32(denormal, vmulq_f32(x, vdupq_n_f32(0x1p+23F)), x);
  const int32x4_t split = vdupq_n_s32(kLogSplit);
  const int32x4_t bits = vsubq_s32(vreinterpretq_s32_f32(scaled), split);
  const int32x4_t shift = vandq_s32(vreinterpretq_s32_u32(denormal), vdupq_n_s32(23));
  const float32x4_t e = vcvtq_f32_s32(vsubq_s32(vshrq_n_s32(bits, 23), shift));
  const int32x4_t mantissa = vaddq_s32(vandq_s32(bits, vdupq_n_s32(0x7fffff)), split);
  const float32x4_t f = vsubq_f32(vreinterpretq_f32_s32(mantissa), vdupq_n_f32(1.0F));
  const float32x4_t f2 = vmulq_f32(f, f);
  float32x4_t sum =
      vfmaq_f32(vmulq_f32(vmulq_f32(f, f2), horner(kLog, f)), e, vdupq_n_f32(kLn2Low));
  sum = vaddq_f32(vfmaq_f32(sum, f2, vdupq_n_f32(-0.5F)), f);
  sum = vfmaq_f32(sum, e, vdupq_n_f32(kLn2High));
  const float32x4_t infinity = vdupq_n_f32(__builtin_inff());
  const float32x4_t zero = vdupq_n_f32(0.0F);
  sum = vbslq_f32(vceqq_f32(x, infinity), infinity, sum);
  sum = vbslq_f32(vceqq_f32(x, zero), vnegq_f32(infinity), sum);
  return vbslq_f32(vcgeq_f32(x, zero), sum, vdupq_n_f32(__builtin_nanf("")));
}

OCTET_MATH float32x4_t erf(float32x4_t x) {
  const float32x4_t magnitude = vminq_f32(vabsq_f32(x), vdupq_n_f32(kErfHigh));  // NaN stays
  const float32x4_t square = vmulq_f32(magnitude, magnitude);
  const float32x4_t value =
      vdivq_f32(vmulq_f32(magnitude, horner(kErfP, square)), horner(kErfQ, square));
  return with_sign(lesser(vdupq_n_f32(1.0F), value), x);
}

#undef OCTET_MATH

}  // namespace octet::kernels::math
