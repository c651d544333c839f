#include "kernels/conv_s8/conv_s8.h"
#include "kernels/conv_scalar.h"

namespace octet::kernels {
namespace {

// Packed: weight - zero point as s16, in the order of ONNX.
size_t packed_bytes(const ConvShape& s) {
  return s.out_channels * (s.in_channels / s.groups) * s.kernel_h * s.kernel_w * sizeof(int16_t);
}

void pack(const ConvShape& s, const ConvWeights& weights, void* packed) {
  const size_t depth = (s.in_channels / s.groups) * s.kernel_h * s.kernel_w;
  auto* out = static_cast<int16_t*>(packed);
  for (size_t c = 0; c < s.out_channels; ++c)
    for (size_t k = 0; k < depth; ++k)
      out[c * depth + k] = static_cast<int16_t>(weight_at(weights, c * depth + k, c));
}

size_t scratch_bytes(const ConvShape& /*shape*/, size_t /*width*/) { return 0; }

int32_t sum(const ConvShape& s, const int16_t* weights, const ConvIo& io, size_t n, size_t oy,
            size_t ox, size_t c) {
  const size_t group_in = s.in_channels / s.groups;
  const size_t first = c / (s.out_channels / s.groups) * group_in;
  const size_t stride = stride_or(io.in_stride, s.in_channels);
  int32_t acc = 0;
  for (size_t i = 0; i < s.kernel_h; ++i)
    for (size_t j = 0; j < s.kernel_w; ++j) {
      const size_t y = oy * s.stride_h + i * s.dilation_h - s.pad_top;
      const size_t x = ox * s.stride_w + j * s.dilation_w - s.pad_left;
      if (y >= s.in_h || x >= s.in_w) continue;  // padding, also above zero: the size wraps
      for (size_t k = 0; k < group_in; ++k) {
        const size_t at = ((n * s.in_h + y) * s.in_w + x) * stride + first + k;
        acc += (code_at(io.in, io.in_signed, at) - io.in_zero_point) *
               weights[((c * group_in + k) * s.kernel_h + i) * s.kernel_w + j];
      }
    }
  return acc;
}

void run(const ConvShape& s, const void* packed, const ConvIo& io, const ConvEpilogue& epilogue,
         void* /*scratch*/, Parallel& parallel) {
  const auto* weights = static_cast<const int16_t*>(packed);
  parallel.for_ranges(s.batch * s.out_h * s.out_w, 1, [&](size_t begin, size_t end) {
    for (size_t pixel = begin; pixel < end; ++pixel) {
      const size_t ox = pixel % s.out_w;
      const size_t oy = pixel / s.out_w % s.out_h;
      const size_t n = pixel / (s.out_w * s.out_h);
      const ConvGrid& g = io.grid;
      const size_t at = g.row == 0 ? pixel : g.first + n * g.image + oy * g.row + ox * g.column;
      for (size_t c = 0; c < s.out_channels; ++c)
        finish(epilogue, s, io, at, c, sum(s, weights, io, n, oy, ox, c));
    }
  });
}

}  // namespace

extern const ConvS8Table conv_s8_scalar;
const ConvS8Table conv_s8_scalar{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
