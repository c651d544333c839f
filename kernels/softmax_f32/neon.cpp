#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

inline __attribute__((always_inline)) simd::F32x16 times_power_of_two(simd::F32x16 p,
                                                                      simd::F32x16 n) {
  // NaN becomes 0, which leaves p as it is.
  return simd::map(
      p, n, [](float32x4_t x, float32x4_t power) __attribute__((always_inline)) {
        const int32x4_t exponent = vshlq_n_s32(vcvtnq_s32_f32(power), 23);
        return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x), exponent));
      });
}

}  // namespace
}  // namespace octet::kernels

#include "kernels/softmax_f32/vector.h"

namespace octet::kernels {

extern const SoftmaxF32Table softmax_f32_neon;
const SoftmaxF32Table softmax_f32_neon = {row, rows, columns, codes, fill};

}  // namespace octet::kernels
