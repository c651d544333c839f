#pragma once

#include <cstddef>
#include <span>

#include "kernels/activation.h"
#include "kernels/dispatch.h"
#include "kernels/parallel.h"

// Depthwise convolution over NHWC: one filter a channel, as many outputs as inputs.
// out = activation(sum + bias[c]) + residual; the sum is one fma chain over (kernel y, kernel x),
// taps in the padding left out.

namespace octet::kernels {

struct DepthwiseF32Args {
  size_t batch = 1;
  size_t channels = 1;
  size_t in_height = 1, in_width = 1;
  size_t out_height = 1, out_width = 1;
  size_t kernel_height = 1, kernel_width = 1;
  size_t stride_y = 1, stride_x = 1;
  size_t dilation_y = 1, dilation_x = 1;
  size_t pad_top = 0, pad_left = 0;
  const float* in = nullptr;
  /// [kernel_height * kernel_width, channels], made by depthwise_f32_pack.
  const float* weights = nullptr;
  /// [channels] or null.
  const float* bias = nullptr;
  Activation activation = {};
  /// The output's shape, or null.
  const float* residual = nullptr;
  float* out = nullptr;
};

struct DepthwiseF32Table {
  /// Output row `y` of image `image`.
  void (*row)(const DepthwiseF32Args& args, size_t image, size_t y);
};

using DepthwiseF32Variant = Variant<DepthwiseF32Table>;

std::span<const DepthwiseF32Variant> depthwise_f32_variants();
const DepthwiseF32Variant& select_depthwise_f32(CpuToken token);

/// From ONNX's [channels, 1, kernel_height, kernel_width] to the layout above, of the same size.
void depthwise_f32_pack(const float* weights, size_t channels, size_t taps, float* packed);

void depthwise_f32(const DepthwiseF32Table& table, const DepthwiseF32Args& args,
                   Parallel& parallel);

}  // namespace octet::kernels
