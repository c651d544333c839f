#include <arm_neon.h>

#include "kernels/transpose/transpose.h"

namespace octet::kernels {
namespace {

#include "kernels/transpose/blocks.inl"

/// One step of a transposition of 16 rows: rows i and i + 8 are interleaved into 2i and 2i + 1.
/// Four steps make it whole.
void interleave16(const uint8x16_t in[16], uint8x16_t out[16]) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    out[2 * i] = vzip1q_u8(in[i], in[i + 8]);
    out[2 * i + 1] = vzip2q_u8(in[i], in[i + 8]);
  }
}

size_t interleave3(ConstBytes in, size_t in_stride, Bytes out, size_t columns) {
  size_t c = 0;
  for (; c + 16 <= columns; c += 16, out += 48) {
    const uint8x16x3_t planes = {
        {vld1q_u8(in + c), vld1q_u8(in + in_stride + c), vld1q_u8(in + 2 * in_stride + c)}};
    vst3q_u8(out, planes);
  }
  return c;
}

void tile1(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  uint8x16_t a[16], b[16];
#pragma GCC unroll 16
  for (size_t i = 0; i < 16; ++i) a[i] = vld1q_u8(in + i * in_stride);
  interleave16(a, b);
  interleave16(b, a);
  interleave16(a, b);
  interleave16(b, a);
#pragma GCC unroll 16
  for (size_t i = 0; i < 16; ++i) vst1q_u8(out + i * out_stride, a[i]);
}

void interleave8(const uint16x8_t in[8], uint16x8_t out[8]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = vzip1q_u16(in[i], in[i + 4]);
    out[2 * i + 1] = vzip2q_u16(in[i], in[i + 4]);
  }
}

void tile2(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  uint16x8_t a[8], b[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) a[i] = vreinterpretq_u16_u8(vld1q_u8(in + i * in_stride));
  interleave8(a, b);
  interleave8(b, a);
  interleave8(a, b);
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) vst1q_u8(out + i * out_stride, vreinterpretq_u8_u16(b[i]));
}

// A square of 4 elements of 4 bytes.
void quarter4(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  uint32x4_t a[4], b[4];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) a[i] = vreinterpretq_u32_u8(vld1q_u8(in + i * in_stride));
#pragma GCC unroll 2
  for (size_t i = 0; i < 2; ++i) {
    b[2 * i] = vzip1q_u32(a[i], a[i + 2]);
    b[2 * i + 1] = vzip2q_u32(a[i], a[i + 2]);
  }
#pragma GCC unroll 2
  for (size_t i = 0; i < 2; ++i) {
    vst1q_u8(out + 2 * i * out_stride, vreinterpretq_u8_u32(vzip1q_u32(b[i], b[i + 2])));
    vst1q_u8(out + (2 * i + 1) * out_stride, vreinterpretq_u8_u32(vzip2q_u32(b[i], b[i + 2])));
  }
}

void tile4(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  for (size_t r = 0; r < 8; r += 4)
    for (size_t c = 0; c < 8; c += 4)
      quarter4(in + r * in_stride + c * 4, in_stride, out + c * out_stride + r * 4, out_stride);
}

void tile8(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  for (size_t r = 0; r < 4; r += 2)
    for (size_t c = 0; c < 4; c += 2) {
      ConstBytes from = in + r * in_stride + c * 8;
      Bytes to = out + c * out_stride + r * 8;
      const uint64x2_t first = vreinterpretq_u64_u8(vld1q_u8(from));
      const uint64x2_t second = vreinterpretq_u64_u8(vld1q_u8(from + in_stride));
      vst1q_u8(to, vreinterpretq_u8_u64(vzip1q_u64(first, second)));
      vst1q_u8(to + out_stride, vreinterpretq_u8_u64(vzip2q_u64(first, second)));
    }
}

#include "kernels/transpose/driver.inl"

}  // namespace

extern const TransposeTable transpose_neon;
const TransposeTable transpose_neon{run};

}  // namespace octet::kernels
