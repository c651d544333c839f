#include "kernels/simd/scalar.h"

#include <cmath>

#include "kernels/depthwise_f32/depthwise_f32.h"

namespace octet::kernels {
namespace {

float convolve(const DepthwiseF32Args& args, size_t image, size_t out_y, size_t out_x,
               size_t channel) {
  float sum = 0.0F;
  for (size_t ky = 0; ky < args.kernel_height; ++ky) {
    // Coordinates in the padding wrap around to beyond the image.
    const size_t y = out_y * args.stride_y + ky * args.dilation_y - args.pad_top;
    if (y >= args.in_height) continue;
    for (size_t kx = 0; kx < args.kernel_width; ++kx) {
      const size_t x = out_x * args.stride_x + kx * args.dilation_x - args.pad_left;
      if (x >= args.in_width) continue;
      const size_t pixel = (image * args.in_height + y) * args.in_width + x;
      sum = std::fma(args.in[pixel * args.channels + channel],
                     args.weights[(ky * args.kernel_width + kx) * args.channels + channel], sum);
    }
  }
  return sum;
}

void row(const DepthwiseF32Args& args, size_t image, size_t y) {
  for (size_t x = 0; x < args.out_width; ++x) {
    const size_t at = ((image * args.out_height + y) * args.out_width + x) * args.channels;
    for (size_t c = 0; c < args.channels; ++c) {
      const float bias = args.bias != nullptr ? args.bias[c] : 0.0F;
      float value = simd::activate(convolve(args, image, y, x, c) + bias, args.activation);
      if (args.residual != nullptr) value += args.residual[at + c];
      args.out[at + c] = value;
    }
  }
}

}  // namespace

extern const DepthwiseF32Table depthwise_f32_scalar;
const DepthwiseF32Table depthwise_f32_scalar = {row};

}  // namespace octet::kernels
