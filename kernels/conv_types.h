#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/element.h"

namespace octet::kernels {

/// The geometry of a 2-D convolution over NHWC activations; a 1-D one has heights of 1. The output
/// dims are the caller's (they imply the pads at the bottom and on the right).
struct ConvShape {
  size_t batch = 1;
  size_t in_h = 1, in_w = 1, in_channels = 1;
  size_t out_h = 1, out_w = 1, out_channels = 1;
  size_t groups = 1;
  size_t kernel_h = 1, kernel_w = 1;
  size_t stride_h = 1, stride_w = 1;
  size_t dilation_h = 1, dilation_w = 1;
  size_t pad_top = 0, pad_left = 0;
};

/// Weights as ONNX stores them, dense, s8 or u8, with a zero point for each output channel.
struct ConvWeights {
  const void* data = nullptr;
  bool is_signed = true;
  const int32_t* zero_points = nullptr;  // [out_channels], or null: all 0
};

/// Where outputs lie that aren't dense: output (n, y, x) is pixel first + n * image + y * row + x *
/// column of the output and of the residual.
struct ConvGrid {
  size_t first = 0, image = 0, row = 0, column = 1;  // a row of 0: dense
};

/// Activations of one call. Padding has the value of the input's zero point. Pixel strides are in
/// elements, from one pixel's first channel to the next one's; 0 means dense.
struct ConvIo {
  const void* in = nullptr;  // [batch, in_h, in_w, in_channels] u8 or s8
  bool in_signed = false;
  int32_t in_zero_point = 0;
  size_t in_stride = 0;
  void* out = nullptr;  // [batch, out_h, out_w, out_channels] of ConvEpilogue::out
  size_t out_stride = 0;
  ConvGrid grid = {};  // conv_s8 only
};

/// What becomes of the exact sum acc = Σ (x - zx)(w - zw) of output channel c:
///   s32:     acc + bias[c]
///   f32:     clamp(v, low, high)
///   u8, s8:  table[clamp(nearest_even(v) + zero_point, low, high)]
/// where v = float(acc + bias[c]) * multiplier[c] + bias_f32[c] + residual, one rounding for each
/// operation. The residual is float(r - residual_zero_point) * residual_multiplier. With a
/// swish_slope v is then multiplied by min(max(v * swish_slope + 0.5, 0), 1): HardSwish where the
/// slope is the size of v's unit over 6. Neither goes with s32.
struct ConvEpilogue {
  const int32_t* bias = nullptr;      // [out_channels], or null
  const float* multiplier = nullptr;  // [out_channels]; unused for s32
  const float* bias_f32 = nullptr;    // [out_channels] in steps of the output, or null; not for s32
  Element out = Element::u8;          // u8, s8, s32 or f32
  int32_t zero_point = 0;
  float low = 0.0F, high = 255.0F;  // codes for u8 and s8, values for f32
  const uint8_t* table = nullptr;   // 256 codes by the code's byte, or null; u8 and s8 only
  const void* residual = nullptr;   // [batch, out_h, out_w, out_channels], or null
  bool residual_signed = false;     // u8 or s8
  int32_t residual_zero_point = 0;
  float residual_multiplier = 0.0F;  // residual scale / output scale
  size_t residual_stride = 0;        // elements between pixels; 0 means dense
  float swish_slope = 0.0F;          // 0: none
};

}  // namespace octet::kernels
