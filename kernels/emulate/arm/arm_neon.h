#pragma once

// NEON and dot-product intrinsics on a CPU that has AVX2, FMA and F16C: SIMDe, and here what its
// releases lack. In place of the compiler's header for the sources that arm.def names; for tests
// only. Needs -mfma and -ffp-contract=off: SIMDe's vfmaq_f32 rounds once only then.

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <immintrin.h>
#include <simde/arm/neon.h>

#include <cstddef>

#if !defined(__FMA__)
#error "emulation is compiled for AVX2 and FMA"
#endif

namespace octet::emulate {

/// f(i) of each of four lanes.
template <typename To, typename F>
static inline __attribute__((always_inline)) To each_lane(F f) {
  decltype(f(size_t{0})) lanes[4];
  for (size_t i = 0; i < 4; ++i) lanes[i] = f(i);
  To v;
  static_assert(sizeof(v) == sizeof(lanes));
  __builtin_memcpy(&v, lanes, sizeof(v));
  return v;
}

static inline __attribute__((always_inline)) float32x4_t divide(float32x4_t a, float32x4_t b) {
  return each_lane<float32x4_t>([&](size_t i) { return a[i] / b[i]; });
}
static inline __attribute__((always_inline)) float32x4_t square_root(float32x4_t v) {
  return each_lane<float32x4_t>([&](size_t i) { return __builtin_sqrtf(v[i]); });
}
/// Rounded once.
static inline __attribute__((always_inline)) float32x4_t minus_product(float32x4_t a, float32x4_t b,
                                                                       float32x4_t c) {
  return each_lane<float32x4_t>([&](size_t i) { return __builtin_fmaf(-b[i], c[i], a[i]); });
}
/// The nearest integers, ties to even, saturated; 0 for NaN.
static inline __attribute__((always_inline)) int32x4_t nearest(float32x4_t v) {
  return each_lane<int32x4_t>([&](size_t i) {
    const float whole = __builtin_nearbyintf(v[i]);
    if (!(whole == whole)) return 0;
    if (whole >= 0x1p31F) return 0x7fffffff;
    return whole < -0x1p31F ? -0x7fffffff - 1 : static_cast<int>(whole);
  });
}

/// v times 2^kBits, cut to an integer, saturated; 0 for NaN.
template <int kBits>
static inline __attribute__((always_inline)) int32x4_t fixed_point(float32x4_t v) {
  return each_lane<int32x4_t>([&](size_t i) {
    const float scaled = v[i] * static_cast<float>(1 << kBits);
    if (!(scaled == scaled)) return 0;
    if (scaled >= 0x1p31F) return 0x7fffffff;
    return scaled < -0x1p31F ? -0x7fffffff - 1 : static_cast<int>(scaled);
  });
}

/// SIMDe's own leave a signalling NaN as it is.
static inline __attribute__((always_inline)) float32x4_t from_halfs(float16x4_t v) {
  __m128i halfs = _mm_setzero_si128();
  __builtin_memcpy(&halfs, &v, sizeof(v));
  const __m128 wide = _mm_cvtph_ps(halfs);
  float32x4_t result;
  __builtin_memcpy(&result, &wide, sizeof(result));
  return result;
}
static inline __attribute__((always_inline)) float16x4_t to_halfs(float32x4_t v) {
  __m128 wide;
  __builtin_memcpy(&wide, &v, sizeof(wide));
  const __m128i halfs = _mm_cvtps_ph(wide, _MM_FROUND_TO_NEAREST_INT);
  float16x4_t result;
  __builtin_memcpy(&result, &halfs, sizeof(result));
  return result;
}

}  // namespace octet::emulate

#undef vcvt_f32_f16
#undef vcvt_f16_f32
#define vcvt_f32_f16(a) octet::emulate::from_halfs(a)
#define vcvt_f16_f32(a) octet::emulate::to_halfs(a)
#define vdivq_f32(a, b) octet::emulate::divide(a, b)
#define vsqrtq_f32(a) octet::emulate::square_root(a)
#define vfmsq_f32(a, b, c) octet::emulate::minus_product(a, b, c)
#define vcvtnq_s32_f32(a) octet::emulate::nearest(a)
#define vcvtq_n_s32_f32(a, bits) octet::emulate::fixed_point<bits>(a)
#define vmlal_high_laneq_s16(a, b, c, lane) vmlal_high_n_s16(a, b, vgetq_lane_s16(c, lane))
