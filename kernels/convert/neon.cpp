#include <arm_neon.h>

#include "kernels/convert/convert.h"

namespace octet::kernels {
namespace {

constexpr size_t kLanes = 4;

// f(x, y) on whole groups of 4, the rest by way of a buffer.
template <typename From, typename To, typename F>
inline __attribute__((always_inline)) void map(const From* x, To* y, size_t count, F f) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) f(x + i, y + i);
  if (i == count) return;
  From from[kLanes] = {};
  To to[kLanes];
  __builtin_memcpy(from, x + i, (count - i) * sizeof(From));
  f(from, to);
  __builtin_memcpy(y + i, to, (count - i) * sizeof(To));
}

template <typename T>
inline __attribute__((always_inline)) uint16x4_t load4(const T* p) {
  uint16x4_t v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
template <typename T>
inline __attribute__((always_inline)) void store4(T* p, uint16x4_t v) {
  __builtin_memcpy(static_cast<void*>(p), &v, sizeof(v));
}

void half_to_float(const Half* x, float* y, size_t count) {
  map(x, y, count, [](const Half* from, float* to) {
    vst1q_f32(to, vcvt_f32_f16(vreinterpret_f16_u16(load4(from))));
  });
}

void float_to_half(const float* x, Half* y, size_t count) {
  map(x, y, count, [](const float* from, Half* to) {
    store4(to, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(from))));
  });
}

void bfloat16_to_float(const Bfloat16* x, float* y, size_t count) {
  map(x, y, count, [](const Bfloat16* from, float* to) {
    vst1q_f32(to, vreinterpretq_f32_u32(vshll_n_u16(load4(from), 16)));
  });
}

void float_to_bfloat16(const float* x, Bfloat16* y, size_t count) {
  map(x, y, count, [](const float* from, Bfloat16* to) {
    const float32x4_t value = vld1q_f32(from);
    const uint32x4_t bits = vreinterpretq_u32_f32(value);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7FFF)), odd);
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    store4(to, vshrn_n_u32(vbslq_u32(vceqq_f32(value, value), rounded, quiet), 16));
  });
}

}  // namespace

extern const ConvertTable convert_neon;
const ConvertTable convert_neon = {half_to_float, float_to_half, bfloat16_to_float,
                                   float_to_bfloat16};

}  // namespace octet::kernels
