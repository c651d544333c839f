#include <algorithm>
#include <vector>

#include "kernels/conv_transpose_s8/phases.h"

namespace octet::kernels {
namespace {

/// A phase along one axis.
struct Line {
  size_t first, step, count;  // its taps
  size_t out_first, outputs;  // its outputs: every stride-th
  size_t dilation, pad;       // as a convolution over the taps in reverse order; may be below zero
};

Line line_of(size_t remainder, size_t stride, size_t kernel, size_t dilation, size_t pad,
             size_t out) {
  Line line{0, 0, 0, (remainder + stride - pad % stride) % stride, 0, 1, 0};
  for (size_t t = 0; t < kernel; ++t) {
    if (t * dilation % stride != remainder) continue;
    if (line.count == 0) line.first = t;
    if (line.count == 1) line.step = t - line.first;
    ++line.count;
  }
  if (line.out_first < out) line.outputs = (out - line.out_first + stride - 1) / stride;
  if (line.count == 0) return line;
  if (line.count > 1) line.dilation = line.step * dilation / stride;
  // The first output's input under the first tap; both differences are multiples of the stride.
  const size_t reach = line.first * dilation, at = line.out_first + pad;
  const size_t begin = at >= reach ? (at - reach) / stride : -((reach - at) / stride);
  line.pad = (line.count - 1) * line.dilation - begin;
  return line;
}

/// f(phase, y, x, offset): a convolution of `s`, and where its packed weights lie.
template <typename F>
void for_each_phase(const ConvS8Table& conv, const ConvShape& s, F f) {
  size_t offset = 0;
  for (size_t ry = 0; ry < s.stride_h; ++ry)
    for (size_t rx = 0; rx < s.stride_w; ++rx) {
      const Line y = line_of(ry, s.stride_h, s.kernel_h, s.dilation_h, s.pad_top, s.out_h);
      const Line x = line_of(rx, s.stride_w, s.kernel_w, s.dilation_w, s.pad_left, s.out_w);
      ConvShape phase = s;
      phase.out_h = y.outputs;
      phase.out_w = x.outputs;
      phase.kernel_h = y.count;
      phase.kernel_w = x.count;
      phase.stride_h = phase.stride_w = 1;
      phase.dilation_h = y.dilation;
      phase.dilation_w = x.dilation;
      phase.pad_top = y.pad;
      phase.pad_left = x.pad;
      f(phase, y, x, offset);
      offset += (conv.packed_bytes(phase) + 63) / 64 * 64;
    }
}

/// The phase's weights as a convolution has them, from [in_channels, out_channels / groups, ...].
std::vector<uint8_t> phase_weights(const ConvShape& s, const ConvWeights& w, const Line& y,
                                   const Line& x) {
  const size_t columns = s.out_channels / s.groups, channels = s.in_channels / s.groups;
  const auto* codes = static_cast<const uint8_t*>(w.data);
  std::vector<uint8_t> out;
  out.reserve(s.out_channels * channels * y.count * x.count);
  for (size_t c = 0; c < s.out_channels; ++c)
    for (size_t k = 0; k < channels; ++k)
      for (size_t i = y.count; i-- > 0;)
        for (size_t j = x.count; j-- > 0;) {
          const size_t pair = (c / columns * channels + k) * columns + c % columns;
          const size_t row = pair * s.kernel_h + y.first + i * y.step;
          out.push_back(codes[row * s.kernel_w + x.first + j * x.step]);
        }
  return out;
}

}  // namespace

size_t phases_packed_bytes(const ConvS8Table& conv, const ConvShape& shape) {
  size_t bytes = 0;
  for_each_phase(conv, shape, [&](const ConvShape& phase, const Line&, const Line&, size_t offset) {
    bytes = offset + conv.packed_bytes(phase);
  });
  return bytes;
}

void phases_pack(const ConvS8Table& conv, const ConvShape& shape, const ConvWeights& weights,
                 void* packed) {
  for_each_phase(conv, shape,
                 [&](const ConvShape& phase, const Line& y, const Line& x, size_t offset) {
                   const std::vector<uint8_t> codes = phase_weights(shape, weights, y, x);
                   conv.pack(phase, {codes.data(), weights.is_signed, weights.zero_points},
                             static_cast<uint8_t*>(packed) + offset);
                 });
}

size_t phases_scratch_bytes(const ConvS8Table& conv, const ConvShape& shape, size_t width) {
  size_t bytes = 0;
  for_each_phase(conv, shape, [&](const ConvShape& phase, const Line&, const Line&, size_t) {
    if (phase.out_h * phase.out_w != 0) bytes = std::max(bytes, conv.scratch_bytes(phase, width));
  });
  return bytes;
}

void phases_run(const ConvS8Table& conv, const ConvShape& shape, const void* packed,
                const ConvIo& io, const ConvEpilogue& epilogue, void* scratch, Parallel& parallel) {
  for_each_phase(conv, shape,
                 [&](const ConvShape& phase, const Line& y, const Line& x, size_t offset) {
                   if (phase.out_h * phase.out_w == 0) return;
                   ConvIo part = io;
                   part.grid = {y.out_first * shape.out_w + x.out_first, shape.out_h * shape.out_w,
                                shape.stride_h * shape.out_w, shape.stride_w};
                   conv.run(phase, static_cast<const uint8_t*>(packed) + offset, part, epilogue,
                            scratch, parallel);
                 });
}

}  // namespace octet::kernels
