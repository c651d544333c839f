#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

// Pooling over NHWC. The caller gives the output's size (floor or ceil). Taps run over (y, x) in
// order. Global pooling is a kernel of the image's size.

namespace octet::kernels {

enum class PoolF32 : uint8_t {
  /// Taps in the padding are left out; NaN when any tap is NaN. A window without taps gives
  /// -infinity.
  max,
  /// The sum divided by the number of taps inside the image.
  average,
  /// The sum divided by the number of taps inside the image and its padding (ONNX's
  /// count_include_pad; taps past the padded image, which ceil makes, never count).
  average_padded,
};

struct PoolF32Args {
  PoolF32 function = PoolF32::max;
  size_t batch = 1;
  size_t channels = 1;
  size_t in_height = 1, in_width = 1;
  size_t out_height = 1, out_width = 1;
  size_t kernel_height = 1, kernel_width = 1;
  size_t stride_y = 1, stride_x = 1;
  size_t dilation_y = 1, dilation_x = 1;
  size_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  const float* in = nullptr;
  float* out = nullptr;
};

struct PoolF32Table {
  /// Output row `y` of image `image`.
  void (*row)(const PoolF32Args& args, size_t image, size_t y);
};

using PoolF32Variant = Variant<PoolF32Table>;

std::span<const PoolF32Variant> pool_f32_variants();
const PoolF32Variant& select_pool_f32(CpuToken token);

void pool_f32(const PoolF32Table& table, const PoolF32Args& args, Parallel& parallel);

}  // namespace octet::kernels
