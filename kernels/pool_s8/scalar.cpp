#include <algorithm>
#include <cmath>

#include "kernels/pool_s8/pool_s8.h"

namespace octet::kernels {
namespace {

int32_t load(const void* data, bool is_signed, size_t i) {
  return is_signed ? static_cast<const int8_t*>(data)[i] : static_cast<const uint8_t*>(data)[i];
}

/// Calls visit(pixel index) for each pixel of output pixel `at`'s window that is inside the input.
template <typename Visit>
void each_pixel(const PoolShape& s, size_t at, Visit visit) {
  const size_t ox = at % s.out_w;
  const size_t oy = at / s.out_w % s.out_h;
  const size_t n = at / (s.out_w * s.out_h);
  for (size_t i = 0; i < s.kernel_h; ++i)
    for (size_t j = 0; j < s.kernel_w; ++j) {
      const size_t y = oy * s.stride_h + i * s.dilation_h - s.pad_top;
      const size_t x = ox * s.stride_w + j * s.dilation_w - s.pad_left;
      if (y < s.in_h && x < s.in_w) visit((n * s.in_h + y) * s.in_w + x);
    }
}

/// The pixels of a window along one axis that are inside the padded input.
size_t padded_count(size_t o, size_t stride, size_t kernel, size_t dilation, size_t padded) {
  size_t count = 0;
  for (size_t i = 0; i < kernel; ++i) count += o * stride + i * dilation < padded ? 1 : 0;
  return count;
}

void max(const PoolShape& s, const void* in, void* out, bool is_signed, Parallel& parallel) {
  parallel.for_ranges(s.batch * s.out_h * s.out_w, 1, [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at)
      for (size_t c = 0; c < s.channels; ++c) {
        int32_t best = is_signed ? -128 : 0;
        each_pixel(s, at, [&](size_t pixel) {
          best = std::max(best, load(in, is_signed, pixel * s.channels + c));
        });
        static_cast<uint8_t*>(out)[at * s.channels + c] = static_cast<uint8_t>(best & 0xFF);
      }
  });
}

uint8_t finish(const AverageS8& a, int32_t sum, size_t count) {
  const float multiplier = a.multiplier / static_cast<float>(count);
  const float code =
      std::nearbyint(static_cast<float>(sum) * multiplier) + static_cast<float>(a.out_zero_point);
  const float clamped = std::clamp(code, static_cast<float>(a.low), static_cast<float>(a.high));
  return static_cast<uint8_t>(static_cast<int32_t>(clamped) & 0xFF);
}

void average(const PoolShape& s, const void* in, void* out, const AverageS8& a,
             Parallel& parallel) {
  parallel.for_ranges(s.batch * s.out_h * s.out_w, 1, [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) {
      size_t count = 0;
      each_pixel(s, at, [&](size_t) { ++count; });
      if (a.count_include_pad)
        count = padded_count(at / s.out_w % s.out_h, s.stride_h, s.kernel_h, s.dilation_h,
                             s.in_h + s.pad_top + s.pad_bottom) *
                padded_count(at % s.out_w, s.stride_w, s.kernel_w, s.dilation_w,
                             s.in_w + s.pad_left + s.pad_right);
      for (size_t c = 0; c < s.channels; ++c) {
        int32_t sum = 0;
        each_pixel(s, at, [&](size_t pixel) {
          sum += load(in, a.in_signed, pixel * s.channels + c) - a.in_zero_point;
        });
        static_cast<uint8_t*>(out)[at * s.channels + c] =
            finish(a, sum, std::max<size_t>(count, 1));
      }
    }
  });
}

void global_average(size_t batch, size_t pixels, size_t channels, const void* in, void* out,
                    const AverageS8& a, Parallel& parallel) {
  const PoolShape shape{
      .batch = batch, .channels = channels, .in_h = 1, .in_w = pixels, .kernel_w = pixels};
  average(shape, in, out, a, parallel);
}

}  // namespace

extern const PoolS8Table pool_s8_scalar;
const PoolS8Table pool_s8_scalar{max, average, global_average};

}  // namespace octet::kernels
