#pragma once

// Sixteen float lanes as four NEON registers: the same operations as avx2.h, the same bits. Only
// files compiled for NEON include it.

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/math/neon.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels::simd {
inline namespace neon {

#define OCTET_SIMD static inline __attribute__((always_inline))

/// How many F32x16 the registers hold.
constexpr int kRegisters = 8;

struct F32x16 {
  float32x4_t a, b, c, d;
};
/// All bits of a lane are set or none. `count` is that of `first`, for memory.
struct Mask16 {
  uint32x4_t a, b, c, d;
  size_t count;
};

OCTET_SIMD F32x16 set(float x) {
  const float32x4_t v = vdupq_n_f32(x);
  return {v, v, v, v};
}
OCTET_SIMD void prefetch(const float* p) { __builtin_prefetch(p); }
OCTET_SIMD F32x16 zero() { return set(0.0F); }
OCTET_SIMD F32x16 load(const float* p) {
  return {vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
OCTET_SIMD void store(float* p, F32x16 x) {
  vst1q_f32(p, x.a);
  vst1q_f32(p + 4, x.b);
  vst1q_f32(p + 8, x.c);
  vst1q_f32(p + 12, x.d);
}
OCTET_SIMD float32x4_t load_half4(const uint16_t* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
/// Sixteen binary16 values, widened exactly.
OCTET_SIMD F32x16 load_half(const uint16_t* p) {
  return {load_half4(p), load_half4(p + 4), load_half4(p + 8), load_half4(p + 12)};
}

/// The words of a CodeBlock hold row `row` of 8 of column `column` of 16 in this nibble.
static constexpr size_t code_place(size_t row, size_t column) { return column * 8 + row; }
/// Calls f(row, w) for 8 rows of 16 columns of signed 4-bit codes: w = float(code) * scale.
template <class F>
OCTET_SIMD void each_code_row(const uint32_t* p, F32x16 scale, F f) {
  const auto* words = reinterpret_cast<const int32_t*>(p);
  const int32x4_t word[4] = {vld1q_s32(words), vld1q_s32(words + 4), vld1q_s32(words + 8),
                             vld1q_s32(words + 12)};
  unroll<8>([&](auto row) __attribute__((always_inline)) {
    const auto widen = [&](int32x4_t w, float32x4_t by) __attribute__((always_inline)) {
      const int32x4_t code = vshrq_n_s32(vshlq_n_s32(w, 28 - 4 * decltype(row)::value), 28);
      return vmulq_f32(vcvtq_f32_s32(code), by);
    };
    f(row, F32x16{widen(word[0], scale.a), widen(word[1], scale.b), widen(word[2], scale.c),
                  widen(word[3], scale.d)});
  });
}
/// 8 rows of 16 columns of signed 4-bit codes: row(j) is float(code) * scale.
struct CodeBlock {
  /// Whether `read` leaves the rows at `out`, `stride` floats apart.
  static constexpr bool kInMemory = true;
  __attribute__((always_inline)) void read(const uint32_t* p, F32x16 scale, float* out,
                                           size_t stride) {
    each_code_row(p, scale, [&](size_t j, F32x16 w) { store(out + j * stride, w); });
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

/// a * b + c, rounded once.
OCTET_SIMD F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {vfmaq_f32(c.a, a.a, b.a), vfmaq_f32(c.b, a.b, b.b), vfmaq_f32(c.c, a.c, b.c),
          vfmaq_f32(c.d, a.d, b.d)};
}
/// sums[r * stride] = fma(a[r][j], row j of the block at p, sums[r * stride]) for j = 0 .. 7, r <
/// kRows.
template <int kRows>
OCTET_SIMD void multiply_codes(const uint32_t* p, F32x16 scale, const float (*a)[8], F32x16* sums,
                               size_t stride) {
  each_code_row(
      p, scale, [&](size_t row, F32x16 w) __attribute__((always_inline)) {
        unroll<kRows>([&](auto r) __attribute__((always_inline)) {
          sums[r * stride] = fma(set(a[r][row]), w, sums[r * stride]);
        });
      });
}

/// Lanes [0, n), n <= 16.
OCTET_SIMD Mask16 first(size_t n) {
  const int32_t lanes[4] = {0, 1, 2, 3};
  const int32x4_t lane = vld1q_s32(lanes);
  const auto below = [&](int32_t offset) __attribute__((always_inline)) {
    return vcltq_s32(lane, vdupq_n_s32(static_cast<int32_t>(n) - offset));
  };
  return {below(0), below(4), below(8), below(12), n};
}
/// The first of four floats; zero past `count`, whose memory isn't touched.
OCTET_SIMD float32x4_t load_some(const float* p, size_t count) {
  if (count >= 4) return vld1q_f32(p);
  float32x4_t v = vdupq_n_f32(0.0F);
  if (count > 0) v = vld1q_lane_f32(p, v, 0);
  if (count > 1) v = vld1q_lane_f32(p + 1, v, 1);
  if (count > 2) v = vld1q_lane_f32(p + 2, v, 2);
  return v;
}
OCTET_SIMD void store_some(float* p, size_t count, float32x4_t v) {
  if (count >= 4) return vst1q_f32(p, v);
  if (count > 0) vst1q_lane_f32(p, v, 0);
  if (count > 1) vst1q_lane_f32(p + 1, v, 1);
  if (count > 2) vst1q_lane_f32(p + 2, v, 2);
}
OCTET_SIMD size_t past(size_t count, size_t lanes) { return count > lanes ? count - lanes : 0; }
/// Zero where the mask, one of `first`, is off; memory there isn't touched.
OCTET_SIMD F32x16 load(const float* p, Mask16 m) {
  return {load_some(p, m.count), load_some(p + 4, past(m.count, 4)),
          load_some(p + 8, past(m.count, 8)), load_some(p + 12, past(m.count, 12))};
}
OCTET_SIMD void store(float* p, F32x16 x, Mask16 m) {
  store_some(p, m.count, x.a);
  store_some(p + 4, past(m.count, 4), x.b);
  store_some(p + 8, past(m.count, 8), x.c);
  store_some(p + 12, past(m.count, 12), x.d);
}
/// The nearest integers (ties to even) plus `offset`, `offset` alone for NaN: the low bytes of the
/// first n <= 16.
OCTET_SIMD void store_bytes(uint8_t* p, F32x16 x, int32_t offset, size_t n) {
  const auto narrow = [](float32x4_t v, float32x4_t w) __attribute__((always_inline)) {
    return vreinterpretq_u8_u16(vuzp1q_u16(vreinterpretq_u16_s32(vcvtnq_s32_f32(v)),
                                           vreinterpretq_u16_s32(vcvtnq_s32_f32(w))));
  };
  const uint8x16_t bytes = vaddq_u8(vuzp1q_u8(narrow(x.a, x.b), narrow(x.c, x.d)),
                                    vdupq_n_u8(static_cast<uint8_t>(offset)));
  if (n == 16) return vst1q_u8(p, bytes);
  uint8_t some[16];
  vst1q_u8(some, bytes);
  for (size_t i = 0; i < n; ++i) p[i] = some[i];
}
/// Which of n <= 16 bytes aren't 0.
OCTET_SIMD Mask16 nonzero(const uint8_t* p, size_t n) {
  uint8_t some[16] = {};
  for (size_t i = 0; i < n; ++i) some[i] = p[i];
  const uint8x16_t bytes = vld1q_u8(some);
  const uint16x8_t lower = vmovl_u8(vget_low_u8(bytes)), upper = vmovl_high_u8(bytes);
  const auto set = [](uint32x4_t v) __attribute__((always_inline)) { return vtstq_u32(v, v); };
  return {set(vmovl_u16(vget_low_u16(lower))), set(vmovl_high_u16(lower)),
          set(vmovl_u16(vget_low_u16(upper))), set(vmovl_high_u16(upper)), n};
}

template <typename F>
OCTET_SIMD F32x16 map(F32x16 x, F32x16 y, F f) {
  return {f(x.a, y.a), f(x.b, y.b), f(x.c, y.c), f(x.d, y.d)};
}
#define OCTET_BINARY(name, function)                                            \
  OCTET_SIMD F32x16 name(F32x16 x, F32x16 y) {                                  \
    return map(                                                                 \
        x, y, [](float32x4_t p, float32x4_t q) __attribute__((always_inline)) { \
          return function(p, q);                                                \
        });                                                                     \
  }
OCTET_BINARY(add, vaddq_f32)
OCTET_BINARY(sub, vsubq_f32)
OCTET_BINARY(mul, vmulq_f32)
OCTET_BINARY(div, vdivq_f32)
/// a > b ? a : b, so b when either is NaN.
OCTET_BINARY(max, math::greater)
/// a < b ? a : b, so b when either is NaN.
OCTET_BINARY(min, math::lesser)
#undef OCTET_BINARY
/// Within two numbers; a NaN stays, and of zeros the result may have either sign.
OCTET_SIMD F32x16 hold(F32x16 x, F32x16 low, F32x16 high) {
  const auto four =
      [](float32x4_t v, float32x4_t least, float32x4_t most) __attribute__((always_inline)) {
    return vminq_f32(vmaxq_f32(v, least), most);
  };
  return {four(x.a, low.a, high.a), four(x.b, low.b, high.b), four(x.c, low.c, high.c),
          four(x.d, low.d, high.d)};
}
#define OCTET_BITS(name, intrinsic)                                                              \
  OCTET_SIMD float32x4_t name(float32x4_t x, float32x4_t y) {                                    \
    return vreinterpretq_f32_u32(intrinsic(vreinterpretq_u32_f32(x), vreinterpretq_u32_f32(y))); \
  }                                                                                              \
  OCTET_SIMD F32x16 name(F32x16 x, F32x16 y) {                                                   \
    return {name(x.a, y.a), name(x.b, y.b), name(x.c, y.c), name(x.d, y.d)};                     \
  }
OCTET_BITS(bit_and, vandq_u32)
OCTET_BITS(bit_xor, veorq_u32)
#undef OCTET_BITS

#define OCTET_UNARY(name, function)                                      \
  OCTET_SIMD F32x16 name(F32x16 x) {                                     \
    return {function(x.a), function(x.b), function(x.c), function(x.d)}; \
  }
OCTET_UNARY(sqrt, vsqrtq_f32)
OCTET_UNARY(floor, vrndmq_f32)
OCTET_UNARY(ceil, vrndpq_f32)
OCTET_UNARY(round_even, vrndnq_f32)
OCTET_UNARY(exp, math::exp)
OCTET_UNARY(log, math::log)
OCTET_UNARY(sigmoid, math::sigmoid)
OCTET_UNARY(tanh, math::tanh)
OCTET_UNARY(erf, math::erf)
#undef OCTET_UNARY

/// p 2^n for whole n, where that is no denormal; NaN stays.
OCTET_SIMD F32x16 times_power_of_two(F32x16 p, F32x16 n) {
  // NaN becomes 0, which leaves p as it is.
  return map(
      p, n, [](float32x4_t x, float32x4_t power) __attribute__((always_inline)) {
        const int32x4_t exponent = vshlq_n_s32(vcvtnq_s32_f32(power), 23);
        return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x), exponent));
      });
}
OCTET_SIMD Mask16 less(F32x16 x, F32x16 y) {
  return {vcltq_f32(x.a, y.a), vcltq_f32(x.b, y.b), vcltq_f32(x.c, y.c), vcltq_f32(x.d, y.d), 16};
}
OCTET_SIMD Mask16 equal(F32x16 x, F32x16 y) {
  return {vceqq_f32(x.a, y.a), vceqq_f32(x.b, y.b), vceqq_f32(x.c, y.c), vceqq_f32(x.d, y.d), 16};
}
OCTET_SIMD Mask16 is_nan(F32x16 x) {
  const Mask16 same = equal(x, x);
  return {vmvnq_u32(same.a), vmvnq_u32(same.b), vmvnq_u32(same.c), vmvnq_u32(same.d), 16};
}
/// m ? x : y.
OCTET_SIMD F32x16 select(Mask16 m, F32x16 x, F32x16 y) {
  return {vbslq_f32(m.a, x.a, y.a), vbslq_f32(m.b, x.b, y.b), vbslq_f32(m.c, x.c, y.c),
          vbslq_f32(m.d, x.d, y.d)};
}

/// Combines the lanes: 8 apart, 4, 2, 1.
template <typename Op>
OCTET_SIMD float tree(F32x16 x, Op op) {
  const float32x4_t four = op(op(x.a, x.c), op(x.b, x.d));
  const float32x4_t two = op(four, vextq_f32(four, four, 2));
  return vgetq_lane_f32(op(two, vextq_f32(two, two, 1)), 0);
}
OCTET_SIMD float sum_lanes(F32x16 x) {
  return tree(x, [](float32x4_t p, float32x4_t q) { return vaddq_f32(p, q); });
}
OCTET_SIMD float product_lanes(F32x16 x) {
  return tree(x, [](float32x4_t p, float32x4_t q) { return vmulq_f32(p, q); });
}
OCTET_SIMD float max_lanes(F32x16 x) {
  return tree(x, [](float32x4_t p, float32x4_t q) { return math::greater(p, q); });
}
OCTET_SIMD float min_lanes(F32x16 x) {
  return tree(x, [](float32x4_t p, float32x4_t q) { return math::lesser(p, q); });
}
OCTET_SIMD bool any(Mask16 m) {
  return vmaxvq_u32(vorrq_u32(vorrq_u32(m.a, m.b), vorrq_u32(m.c, m.d))) != 0;
}

#undef OCTET_SIMD

}  // namespace neon
}  // namespace octet::kernels::simd
