#pragma once

// depthwise_f32 over F32x16, included once by each instruction set's file.

#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/simd/functions.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::Mask16;
using simd::unroll;

constexpr size_t kLanes = 16;
// Outputs that are computed at once: enough chains to hide the latency of an fma.
constexpr int kMostPixels = simd::kRegisters >= 32 ? 8 : 4;

struct Range {
  size_t begin, end;
};

// Taps k of [0, count) with 0 <= at + k * dilation - pad < size.
Range taps_inside(size_t at, size_t pad, size_t dilation, size_t count, size_t size) {
  const size_t begin = at >= pad ? 0 : (pad - at + dilation - 1) / dilation;
  const size_t past = size + pad > at ? (size + pad - at + dilation - 1) / dilation : 0;
  return {begin < count ? begin : count, past < count ? past : count};
}

// Outputs of a row whose kernel columns are all inside the image.
Range interior(const DepthwiseF32Args& args) {
  const size_t reach = (args.kernel_width - 1) * args.dilation_x;
  const size_t begin = (args.pad_left + args.stride_x - 1) / args.stride_x;
  const size_t limit = args.in_width + args.pad_left;
  size_t end = limit > reach ? (limit - reach - 1) / args.stride_x + 1 : 0;
  if (end > args.out_width) end = args.out_width;
  return {begin < end ? begin : end, end};
}

// What is the same for all of an output row.
struct Row {
  const DepthwiseF32Args& args;
  // The first input row that the kernel's row 0 meets, as if it were inside.
  const float* in;
  float* out;
  const float* residual;
  Range rows;
};

// kPixels neighbouring outputs of 16 channels. `taps` are the kernel columns inside for each.
template <ActivationKind kKind, int kPixels>
void convolve(const Row& row, size_t x, Range taps, size_t channel) {
  const DepthwiseF32Args& args = row.args;
  const size_t channels = args.channels;
  const size_t left = channels - channel;
  const bool whole = left >= kLanes;
  const Mask16 mask = simd::first(whole ? kLanes : left);
  const size_t between = args.stride_x * channels;
  const size_t step = args.dilation_x * channels;
  F32x16 sums[kPixels];
  unroll<kPixels>([&](auto p) __attribute__((always_inline)) { sums[p] = simd::zero(); });
  for (size_t ky = row.rows.begin; ky < row.rows.end; ++ky) {
    // Unsigned arithmetic wraps where column 0 of the kernel lies in the padding.
    const size_t first = ky * args.dilation_y * args.in_width * channels +
                         (x * args.stride_x - args.pad_left) * channels + channel +
                         taps.begin * step;
    const float* in = row.in + static_cast<ptrdiff_t>(first);
    const float* weights =
        args.weights + (ky * args.kernel_width + taps.begin) * channels + channel;
    if (whole) {
      for (size_t kx = taps.begin; kx < taps.end; ++kx, in += step, weights += channels) {
        const F32x16 weight = simd::load(weights);
        unroll<kPixels>([&](auto p) __attribute__((always_inline)) {
          sums[p] = simd::fma(simd::load(in + p * between), weight, sums[p]);
        });
      }
    } else {
      for (size_t kx = taps.begin; kx < taps.end; ++kx, in += step, weights += channels) {
        const F32x16 weight = simd::load(weights, mask);
        unroll<kPixels>([&](auto p) __attribute__((always_inline)) {
          sums[p] = simd::fma(simd::load(in + p * between, mask), weight, sums[p]);
        });
      }
    }
  }
  const F32x16 bias = args.bias != nullptr ? simd::load(args.bias + channel, mask) : simd::zero();
  unroll<kPixels>([&](auto p) __attribute__((always_inline)) {
    const size_t at = (x + static_cast<size_t>(p.value)) * channels + channel;
    F32x16 value = simd::activate<kKind>(simd::add(sums[p], bias), args.activation);
    if (row.residual != nullptr) value = simd::add(value, simd::load(row.residual + at, mask));
    simd::store(row.out + at, value, mask);
  });
}

// Outputs [x, end), all inside.
template <ActivationKind kKind, int kPixels>
void convolve_inside(const Row& row, size_t x, size_t end, size_t channel) {
  const Range all{0, row.args.kernel_width};
  for (; x + kPixels <= end; x += kPixels) convolve<kKind, kPixels>(row, x, all, channel);
  if constexpr (kPixels > 1) convolve_inside<kKind, kPixels / 2>(row, x, end, channel);
}

template <ActivationKind kKind>
void convolve_row(const Row& row) {
  const DepthwiseF32Args& args = row.args;
  const Range inside = interior(args);
  const auto edge = [&](size_t begin, size_t end, size_t channel) {
    for (size_t x = begin; x < end; ++x)
      convolve<kKind, 1>(row, x,
                         taps_inside(x * args.stride_x, args.pad_left, args.dilation_x,
                                     args.kernel_width, args.in_width),
                         channel);
  };
  for (size_t channel = 0; channel < args.channels; channel += kLanes) {
    edge(0, inside.begin, channel);
    convolve_inside<kKind, kMostPixels>(row, inside.begin, inside.end, channel);
    edge(inside.end, args.out_width, channel);
  }
}

void row(const DepthwiseF32Args& args, size_t image, size_t y) {
  const size_t image_rows = image * args.in_height + y * args.stride_y - args.pad_top;
  const size_t out = (image * args.out_height + y) * args.out_width * args.channels;
  const Row row{args, args.in + static_cast<ptrdiff_t>(image_rows * args.in_width * args.channels),
                args.out + out, args.residual != nullptr ? args.residual + out : nullptr,
                taps_inside(y * args.stride_y, args.pad_top, args.dilation_y, args.kernel_height,
                            args.in_height)};
  simd::with_kind(args.activation.kind, [&](auto tag) { convolve_row<decltype(tag)::kind>(row); });
}

}  // namespace
}  // namespace octet::kernels
