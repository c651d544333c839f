#include "kernels/conv_scalar.h"
#include "kernels/conv_transpose_s8/conv_transpose_s8.h"

namespace octet::kernels {
namespace {

// Packed: weight - zero point as s16, in the order of ONNX.
size_t packed_bytes(const ConvShape& s) {
  return s.in_channels * (s.out_channels / s.groups) * s.kernel_h * s.kernel_w * sizeof(int16_t);
}

void pack(const ConvShape& s, const ConvWeights& weights, void* packed) {
  const size_t taps = s.kernel_h * s.kernel_w;
  const size_t group_out = s.out_channels / s.groups;
  const size_t group_in = s.in_channels / s.groups;
  auto* out = static_cast<int16_t*>(packed);
  for (size_t k = 0; k < s.in_channels; ++k)
    for (size_t c = 0; c < group_out; ++c)
      for (size_t t = 0; t < taps; ++t) {
        const size_t at = (k * group_out + c) * taps + t;
        out[at] = static_cast<int16_t>(weight_at(weights, at, k / group_in * group_out + c));
      }
}

size_t scratch_bytes(const ConvShape& /*shape*/, size_t /*width*/) { return 0; }

/// The input position that reaches output position `o` by tap `t`, or `size` where there is none.
size_t source(size_t o, size_t pad, size_t t, size_t dilation, size_t stride, size_t size) {
  const size_t from = o + pad;
  if (from < t * dilation || (from - t * dilation) % stride != 0) return size;
  const size_t at = (from - t * dilation) / stride;
  return at < size ? at : size;
}

int32_t sum(const ConvShape& s, const int16_t* weights, const ConvIo& io, size_t n, size_t oy,
            size_t ox, size_t c) {
  const size_t group_in = s.in_channels / s.groups;
  const size_t group_out = s.out_channels / s.groups;
  const size_t first = c / group_out * group_in;
  const size_t stride = stride_or(io.in_stride, s.in_channels);
  int32_t acc = 0;
  for (size_t i = 0; i < s.kernel_h; ++i)
    for (size_t j = 0; j < s.kernel_w; ++j) {
      const size_t y = source(oy, s.pad_top, i, s.dilation_h, s.stride_h, s.in_h);
      const size_t x = source(ox, s.pad_left, j, s.dilation_w, s.stride_w, s.in_w);
      if (y == s.in_h || x == s.in_w) continue;
      for (size_t k = first; k < first + group_in; ++k)
        acc += (code_at(io.in, io.in_signed, ((n * s.in_h + y) * s.in_w + x) * stride + k) -
                io.in_zero_point) *
               weights[((k * group_out + c % group_out) * s.kernel_h + i) * s.kernel_w + j];
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
      for (size_t c = 0; c < s.out_channels; ++c)
        finish(epilogue, s, io, pixel, c, sum(s, weights, io, n, oy, ox, c));
    }
  });
}

}  // namespace

extern const ConvTransposeS8Table conv_transpose_s8_scalar;
const ConvTransposeS8Table conv_transpose_s8_scalar{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
