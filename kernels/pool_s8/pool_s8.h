#pragma once

#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace octet::kernels {

/// The geometry of 2-D pooling over dense NHWC. Windows may reach past the padded input on the
/// bottom and the right (ceil_mode); what lies past it counts for nothing.
struct PoolShape {
  size_t batch = 1, channels = 1;
  size_t in_h = 1, in_w = 1;
  size_t out_h = 1, out_w = 1;
  size_t kernel_h = 1, kernel_w = 1;
  size_t stride_h = 1, stride_w = 1;
  size_t dilation_h = 1, dilation_w = 1;
  size_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
};

/// out = clamp(nearest_even(float(Σ (x - in_zero_point)) * (multiplier / float(n))) +
/// out_zero_point, low, high), n = the window's pixels inside the input, or inside the padded input
/// with count_include_pad.
struct AverageS8 {
  bool in_signed = false, out_signed = false;
  int32_t in_zero_point = 0, out_zero_point = 0;
  float multiplier = 1.0F;  // input scale / output scale
  int32_t low = 0, high = 255;
  bool count_include_pad = false;
};

struct PoolS8Table {
  /// Padding is never the maximum; a window without a pixel gives the type's lowest code.
  void (*max)(const PoolShape& shape, const void* in, void* out, bool is_signed,
              Parallel& parallel);
  void (*average)(const PoolShape& shape, const void* in, void* out, const AverageS8& args,
                  Parallel& parallel);
  /// The average of all `pixels` of [batch, pixels, channels] to [batch, channels].
  void (*global_average)(size_t batch, size_t pixels, size_t channels, const void* in, void* out,
                         const AverageS8& args, Parallel& parallel);
};

const Variant<PoolS8Table>& select_pool_s8(CpuToken token);
std::span<const Variant<PoolS8Table>> pool_s8_variants();

}  // namespace octet::kernels
