#include "kernels/simd/scalar.h"

#include <limits>

#include "kernels/pool_f32/pool_f32.h"

namespace octet::kernels {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

bool inside(ptrdiff_t at, ptrdiff_t low, size_t high) {
  return at >= low && at < static_cast<ptrdiff_t>(high);
}

float pool(const PoolF32Args& args, size_t image, size_t out_y, size_t out_x, size_t channel) {
  float value = args.function == PoolF32::max ? kLowest : 0.0F;
  size_t taps = 0;
  size_t padded_taps = 0;
  const auto top = static_cast<ptrdiff_t>(args.pad_top);
  const auto left = static_cast<ptrdiff_t>(args.pad_left);
  for (size_t ky = 0; ky < args.kernel_height; ++ky) {
    for (size_t kx = 0; kx < args.kernel_width; ++kx) {
      const ptrdiff_t y =
          static_cast<ptrdiff_t>(out_y * args.stride_y + ky * args.dilation_y) - top;
      const ptrdiff_t x =
          static_cast<ptrdiff_t>(out_x * args.stride_x + kx * args.dilation_x) - left;
      if (inside(y, -top, args.in_height + args.pad_bottom) &&
          inside(x, -left, args.in_width + args.pad_right))
        ++padded_taps;
      if (!inside(y, 0, args.in_height) || !inside(x, 0, args.in_width)) continue;
      ++taps;
      const size_t row = image * args.in_height + static_cast<size_t>(y);
      const float in =
          args.in[(row * args.in_width + static_cast<size_t>(x)) * args.channels + channel];
      value = args.function == PoolF32::max ? simd::max_nan(value, in) : value + in;
    }
  }
  if (args.function == PoolF32::max) return value;
  return value / static_cast<float>(args.function == PoolF32::average ? taps : padded_taps);
}

void row(const PoolF32Args& args, size_t image, size_t y) {
  float* out = args.out + (image * args.out_height + y) * args.out_width * args.channels;
  for (size_t x = 0; x < args.out_width; ++x)
    for (size_t c = 0; c < args.channels; ++c)
      out[x * args.channels + c] = pool(args, image, y, x, c);
}

}  // namespace

extern const PoolF32Table pool_f32_scalar;
const PoolF32Table pool_f32_scalar = {row};

}  // namespace octet::kernels
