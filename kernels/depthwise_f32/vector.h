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
// Neighbouring outputs that are computed at once: enough chains to hide the latency of an fma.
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

// How outputs are activated: by what needs a few instructions in registers, by the rest in memory.
enum class Way { clamp, hard_swish, other };

Way way_of(ActivationKind kind) {
  const bool clamp =
      kind == ActivationKind::none || kind == ActivationKind::relu || kind == ActivationKind::clip;
  if (clamp) return Way::clamp;
  return kind == ActivationKind::hard_swish ? Way::hard_swish : Way::other;
}

__attribute__((noinline)) void activate_all(const Activation& activation, F32x16* values,
                                            int count) {
  simd::with_kind(activation.kind, [&](auto tag) {
    for (int i = 0; i < count; ++i)
      values[i] = simd::activate<decltype(tag)::kValue>(values[i], activation);
  });
}

// What is the same for all of an output row. Steps count floats.
struct Row {
  const DepthwiseF32Args& args;
  // The first input row that meets the kernel, and its kernel row's weights.
  const float* in;
  const float* weights;
  size_t kernel_rows;
  size_t row_step, pixel_step, tap_step, weight_row_step;
  float* out;
  const float* residual;
  float low, high;  // of Way::clamp
};

// Where neighbouring outputs of 16 channels read and write.
struct Place {
  const float* in;
  const float* weights;
  size_t kernel_columns;
  float* out;
  const float* residual;
  const float* bias;
  size_t channels;
};

template <bool kWhole>
inline __attribute__((always_inline)) F32x16 load(const float* p, Mask16 mask) {
  return kWhole ? simd::load(p) : simd::load(p, mask);
}

// Chains of kPixels neighbouring outputs: so many times 16 channels keep as many.
constexpr int groups_of(int pixels) { return kMostPixels / pixels < 4 ? kMostPixels / pixels : 4; }

// kPixels outputs of kGroups times 16 channels, or of the channels that are left of 16.
template <Way kWay, int kPixels, int kGroups, bool kWhole>
void convolve(const Row& row, const Place& place) {
  const Mask16 mask = simd::first(kWhole ? kLanes : place.channels);
  const size_t pixel_step = row.pixel_step;
  const size_t tap_step = row.tap_step;
  const size_t channels = row.args.channels;
  const size_t kernel_columns = place.kernel_columns;
  const float* in_row = place.in;
  const float* weights_row = place.weights;
  const auto each = [](auto f) __attribute__((always_inline)) {
    unroll<kGroups>([&](auto g) __attribute__((always_inline)) {
      unroll<kPixels>([&](auto p) __attribute__((always_inline)) { f(g, p); });
    });
  };
  F32x16 sums[kGroups][kPixels];
  each([&](auto g, auto p) __attribute__((always_inline)) { sums[g][p] = simd::zero(); });
  for (size_t ky = row.kernel_rows; ky > 0; --ky) {
    const float* in = in_row;
    const float* weights = weights_row;
    for (size_t kx = kernel_columns; kx > 0; --kx) {
      unroll<kGroups>([&](auto g) __attribute__((always_inline)) {
        const F32x16 weight = load<kWhole>(weights + g * kLanes, mask);
        unroll<kPixels>([&](auto p) __attribute__((always_inline)) {
          const F32x16 pixel = load<kWhole>(in + p * pixel_step + g * kLanes, mask);
          sums[g][p] = simd::fma(pixel, weight, sums[g][p]);
        });
      });
      in += tap_step;
      weights += channels;
    }
    in_row += row.row_step;
    weights_row += row.weight_row_step;
  }
  unroll<kGroups>([&](auto g) __attribute__((always_inline)) {
    const F32x16 bias =
        place.bias != nullptr ? load<kWhole>(place.bias + g * kLanes, mask) : simd::zero();
    unroll<kPixels>([&](auto p) __attribute__((always_inline)) {
      sums[g][p] = simd::add(sums[g][p], bias);
      if constexpr (kWay == Way::clamp)
        sums[g][p] = simd::clip(sums[g][p], simd::set(row.low), simd::set(row.high));
      if constexpr (kWay == Way::hard_swish) sums[g][p] = simd::hard_swish(sums[g][p]);
    });
  });
  if constexpr (kWay == Way::other) {
    F32x16 values[kGroups * kPixels];
    each([&](auto g, auto p)
             __attribute__((always_inline)) { values[g * kPixels + p] = sums[g][p]; });
    activate_all(row.args.activation, values, kGroups * kPixels);
    each([&](auto g, auto p)
             __attribute__((always_inline)) { sums[g][p] = values[g * kPixels + p]; });
  }
  if (place.residual != nullptr)
    each([&](auto g, auto p) __attribute__((always_inline)) {
      const float* at = place.residual + p * channels + g * kLanes;
      sums[g][p] = simd::add(sums[g][p], load<kWhole>(at, mask));
    });
  each([&](auto g, auto p) __attribute__((always_inline)) {
    float* out = place.out + p * channels + g * kLanes;
    if constexpr (kWhole)
      simd::store(out, sums[g][p]);
    else
      simd::store(out, sums[g][p], mask);
  });
}

// Channels are the inner loop: pixels are read as they lie. `taps` are the kernel columns inside.
template <Way kWay, int kPixels>
void convolve_channels(const Row& row, size_t x, Range taps) {
  const DepthwiseF32Args& args = row.args;
  const size_t channels = args.channels;
  // Unsigned arithmetic wraps where column 0 of the kernel lies in the padding.
  const size_t first = (x * args.stride_x - args.pad_left) * channels + taps.begin * row.tap_step;
  Place place{row.in + static_cast<ptrdiff_t>(first),
              row.weights + taps.begin * channels,
              taps.end > taps.begin ? taps.end - taps.begin : 0,
              row.out + x * channels,
              row.residual != nullptr ? row.residual + x * channels : nullptr,
              args.bias,
              channels};
  const auto advance = [&](size_t done) {
    place.in += done;
    place.weights += done;
    place.out += done;
    if (place.residual != nullptr) place.residual += done;
    if (place.bias != nullptr) place.bias += done;
    place.channels -= done;
  };
  constexpr int kGroups = groups_of(kPixels);
  constexpr size_t kAtOnce = kGroups * kLanes;
  for (; place.channels >= kAtOnce; advance(kAtOnce))
    convolve<kWay, kPixels, kGroups, true>(row, place);
  if constexpr (kGroups > 1)
    for (; place.channels >= kLanes; advance(kLanes)) convolve<kWay, kPixels, 1, true>(row, place);
  if (place.channels > 0) convolve<kWay, kPixels, 1, false>(row, place);
}

// Outputs [x, end), all inside.
template <Way kWay, int kPixels>
void convolve_inside(const Row& row, size_t x, size_t end) {
  const Range all{0, row.args.kernel_width};
  for (; x + kPixels <= end; x += kPixels) convolve_channels<kWay, kPixels>(row, x, all);
  if constexpr (kPixels > 1) convolve_inside<kWay, kPixels / 2>(row, x, end);
}

template <Way kWay>
void convolve_row(const Row& row) {
  const DepthwiseF32Args& args = row.args;
  const Range inside = interior(args);
  const auto edge = [&](size_t begin, size_t end) {
    for (size_t x = begin; x < end; ++x)
      convolve_channels<kWay, 1>(row, x,
                                 taps_inside(x * args.stride_x, args.pad_left, args.dilation_x,
                                             args.kernel_width, args.in_width));
  };
  edge(0, inside.begin);
  convolve_inside<kWay, kMostPixels>(row, inside.begin, inside.end);
  edge(inside.end, args.out_width);
}

void row(const DepthwiseF32Args& args, size_t image, size_t y) {
  const size_t channels = args.channels;
  const Range rows = taps_inside(y * args.stride_y, args.pad_top, args.dilation_y,
                                 args.kernel_height, args.in_height);
  const size_t in_row =
      image * args.in_height + y * args.stride_y + rows.begin * args.dilation_y - args.pad_top;
  const size_t weight_row = args.kernel_width * channels;
  const size_t out = (image * args.out_height + y) * args.out_width * channels;
  const bool clips = args.activation.kind == ActivationKind::clip;
  const float least = args.activation.kind == ActivationKind::relu ? 0.0F : -__builtin_inff();
  const float low = clips ? args.activation.alpha : least;
  const float high = clips ? args.activation.beta : __builtin_inff();
  const Row row{args,
                args.in + static_cast<ptrdiff_t>(in_row * args.in_width * channels),
                args.weights + rows.begin * weight_row,
                rows.end > rows.begin ? rows.end - rows.begin : 0,
                args.dilation_y * args.in_width * channels,
                args.stride_x * channels,
                args.dilation_x * channels,
                weight_row,
                args.out + out,
                args.residual != nullptr ? args.residual + out : nullptr,
                low,
                high};
  switch (way_of(args.activation.kind)) {
    case Way::clamp: return convolve_row<Way::clamp>(row);
    case Way::hard_swish: return convolve_row<Way::hard_swish>(row);
    case Way::other: return convolve_row<Way::other>(row);
  }
}

}  // namespace
}  // namespace octet::kernels
