#include "kernels/simd/scalar.h"

#include <algorithm>
#include <limits>

#include "kernels/pool_f32/pool_f32.h"

namespace octet::kernels {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// Taps [begin, end) of a window along one axis.
struct Taps {
  size_t begin = 0, end = 0;
  size_t size() const { return end - begin; }
};

// Taps of a window at `at` (from the padding's edge on) that lie in [low, high).
Taps taps_in(size_t at, size_t dilation, size_t count, size_t low, size_t high) {
  Taps taps;
  if (at < low) taps.begin = std::min(count, (low - at + dilation - 1) / dilation);
  if (at < high) taps.end = std::min(count, (high - at - 1) / dilation + 1);
  taps.end = std::max(taps.begin, taps.end);
  return taps;
}

float pool(const PoolF32Args& args, size_t image, size_t out_y, size_t out_x, size_t channel) {
  float value = args.function == PoolF32::max ? kLowest : 0.0F;
  const size_t y = out_y * args.stride_y;
  const size_t x = out_x * args.stride_x;
  const size_t bottom = args.pad_top + args.in_height;
  const size_t right = args.pad_left + args.in_width;
  const Taps rows = taps_in(y, args.dilation_y, args.kernel_height, args.pad_top, bottom);
  const Taps columns = taps_in(x, args.dilation_x, args.kernel_width, args.pad_left, right);
  for (size_t ky = rows.begin; ky < rows.end; ++ky)
    for (size_t kx = columns.begin; kx < columns.end; ++kx) {
      const size_t row = image * args.in_height + y + ky * args.dilation_y - args.pad_top;
      const size_t column = x + kx * args.dilation_x - args.pad_left;
      const float in = args.in[(row * args.in_width + column) * args.channels + channel];
      value = args.function == PoolF32::max ? simd::max_nan(value, in) : value + in;
    }
  if (args.function == PoolF32::max) return value;
  if (args.function == PoolF32::average)
    return value / static_cast<float>(rows.size() * columns.size());
  const Taps padded_rows =
      taps_in(y, args.dilation_y, args.kernel_height, 0, bottom + args.pad_bottom);
  const Taps padded_columns =
      taps_in(x, args.dilation_x, args.kernel_width, 0, right + args.pad_right);
  return value / static_cast<float>(padded_rows.size() * padded_columns.size());
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
