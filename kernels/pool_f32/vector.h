#pragma once

// pool_f32 over F32x16, included once by each instruction set's file.

#include "kernels/pool_f32/pool_f32.h"
#include "kernels/simd/functions.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::Mask16;
using simd::unroll;

constexpr size_t kLanes = 16;

// Taps k of [0, count) with low <= at + k * dilation < high; `at` counts from the padding's edge.
struct Range {
  size_t begin, end;
  size_t size() const { return end - begin; }
};

Range taps_between(size_t at, size_t dilation, size_t count, size_t low, size_t high) {
  const size_t begin = at >= low ? 0 : (low - at + dilation - 1) / dilation;
  const size_t past = high > at ? (high - at + dilation - 1) / dilation : 0;
  const size_t end = past < count ? past : count;
  return {begin < end ? begin : end, end};
}

struct Window {
  // The first tap inside the image; the next are `row` and `pixel` floats further.
  const float* in;
  size_t rows, columns;
  size_t row, pixel;
  float divisor;
};

template <bool kMax, int kVectors>
void pool(const Window& window, size_t channel, size_t count, float* out) {
  const bool whole = count >= kVectors * kLanes;
  const Mask16 mask = simd::first(whole ? kLanes : count);
  F32x16 values[kVectors];
  unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
    values[v] = kMax ? simd::set(-__builtin_inff()) : simd::zero();
  });
  for (size_t y = 0; y < window.rows; ++y) {
    const float* in = window.in + y * window.row + channel;
    for (size_t x = 0; x < window.columns; ++x, in += window.pixel)
      unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        const float* at = in + v * kLanes;
        const F32x16 value = kVectors > 1 ? simd::load(at) : simd::load(at, mask);
        values[v] = kMax ? simd::max_nan(values[v], value) : simd::add(values[v], value);
      });
  }
  const F32x16 divisor = simd::set(window.divisor);
  unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
    const F32x16 value = kMax ? values[v] : simd::div(values[v], divisor);
    if constexpr (kVectors > 1)
      simd::store(out + channel + v * kLanes, value);
    else
      simd::store(out + channel, value, mask);
  });
}

template <bool kMax>
void pool_pixel(const Window& window, size_t channels, float* out) {
  size_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) pool<kMax, 4>(window, c, channels - c, out);
  for (; c < channels; c += kLanes) pool<kMax, 1>(window, c, channels - c, out);
}

void row(const PoolF32Args& args, size_t image, size_t y) {
  const size_t at_y = y * args.stride_y;
  const Range rows = taps_between(at_y, args.dilation_y, args.kernel_height, args.pad_top,
                                  args.pad_top + args.in_height);
  const Range padded_rows = taps_between(at_y, args.dilation_y, args.kernel_height, 0,
                                         args.pad_top + args.in_height + args.pad_bottom);
  const float* base = args.in + image * args.in_height * args.in_width * args.channels;
  float* out = args.out + (image * args.out_height + y) * args.out_width * args.channels;
  for (size_t x = 0; x < args.out_width; ++x, out += args.channels) {
    const size_t at_x = x * args.stride_x;
    const Range columns = taps_between(at_x, args.dilation_x, args.kernel_width, args.pad_left,
                                       args.pad_left + args.in_width);
    const Range padded = taps_between(at_x, args.dilation_x, args.kernel_width, 0,
                                      args.pad_left + args.in_width + args.pad_right);
    const size_t first_y = at_y + rows.begin * args.dilation_y - args.pad_top;
    const size_t first_x = at_x + columns.begin * args.dilation_x - args.pad_left;
    const bool empty = rows.size() == 0 || columns.size() == 0;
    const size_t count = args.function == PoolF32::average ? rows.size() * columns.size()
                                                           : padded_rows.size() * padded.size();
    const Window window{empty ? base : base + (first_y * args.in_width + first_x) * args.channels,
                        empty ? 0 : rows.size(),
                        columns.size(),
                        args.dilation_y * args.in_width * args.channels,
                        args.dilation_x * args.channels,
                        static_cast<float>(count)};
    if (args.function == PoolF32::max)
      pool_pixel<true>(window, args.channels, out);
    else
      pool_pixel<false>(window, args.channels, out);
  }
}

}  // namespace
}  // namespace octet::kernels
