#pragma once

// Only files compiled for NEON include it.

#include <arm_neon.h>

#include <cstddef>

namespace octet::kernels::simd {

/// out[j * out_row + i] = in[i * in_row + j] for i, j < 4.
static inline __attribute__((always_inline)) void transpose4x4(const float* in, ptrdiff_t in_row,
                                                               float* out, ptrdiff_t out_row) {
  const float32x4_t r0 = vld1q_f32(in), r1 = vld1q_f32(in + in_row),
                    r2 = vld1q_f32(in + 2 * in_row), r3 = vld1q_f32(in + 3 * in_row);
  const float32x4_t even02 = vzip1q_f32(r0, r2), odd02 = vzip2q_f32(r0, r2);
  const float32x4_t even13 = vzip1q_f32(r1, r3), odd13 = vzip2q_f32(r1, r3);
  vst1q_f32(out, vzip1q_f32(even02, even13));
  vst1q_f32(out + out_row, vzip2q_f32(even02, even13));
  vst1q_f32(out + 2 * out_row, vzip1q_f32(odd02, odd13));
  vst1q_f32(out + 3 * out_row, vzip2q_f32(odd02, odd13));
}

/// out[j * out_row + i] = in[i * in_row + j] for i, j < 8.
static inline __attribute__((always_inline)) void transpose8x8(const float* in, ptrdiff_t in_row,
                                                               float* out, ptrdiff_t out_row) {
  for (ptrdiff_t i = 0; i < 8; i += 4)
    for (ptrdiff_t j = 0; j < 8; j += 4)
      transpose4x4(in + i * in_row + j, in_row, out + j * out_row + i, out_row);
}

}  // namespace octet::kernels::simd
