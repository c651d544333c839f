#pragma once

#include <cstddef>

#include "kernels/gemm_f32/gemm_f32.h"

// Convolution over NHWC by implicit GEMM: register tiles of gemm_f32 read the image through
// pointers, one a kernel tap, so there is no im2col buffer. Instruction sets are gemm_f32's rows.
// Sums run over (kernel y, kernel x, input channel) in this order, taps in the padding included as
// zeros.

namespace octet::kernels {

/// 1-D is height 1. Channels are totals over the groups.
struct ConvF32Shape {
  size_t batch = 1;
  size_t in_height = 1, in_width = 1, in_channels = 1;
  size_t out_height = 1, out_width = 1, out_channels = 1;
  size_t kernel_height = 1, kernel_width = 1;
  size_t stride_y = 1, stride_x = 1;
  size_t dilation_y = 1, dilation_x = 1;
  size_t pad_top = 0, pad_left = 0;
  size_t groups = 1;
};

/// Weights of output channel o, input channel i (within the group), tap (y, x) are at
/// data[o * output + i * input + y * kernel_y + x * kernel_x]: ONNX's OIHW has input = KH * KW.
struct ConvF32Weights {
  const float* data = nullptr;
  ptrdiff_t output = 0, input = 0, kernel_y = 0, kernel_x = 0;
};

/// Whether the kernel is small enough for the stack of `conv_f32`: 2,048 taps, or 16,384 products
/// an output where a group has fewer than 32 input channels.
bool conv_f32_fits(const ConvF32Shape& shape);

size_t conv_f32_packed_size(const GemmF32Table& table, const ConvF32Shape& shape);
void conv_f32_pack(const GemmF32Table& table, const ConvF32Shape& shape,
                   const ConvF32Weights& weights, float* packed, Parallel& parallel);

struct ConvF32Args {
  ConvF32Shape shape;
  /// [batch, height, width, channels]; a pixel is `in_pixel` floats after its left neighbour, a
  /// row in_width pixels, so that a slice of channels can be read.
  const float* in = nullptr;
  ptrdiff_t in_pixel = 0;
  const float* packed = nullptr;
  float* out = nullptr;
  ptrdiff_t out_pixel = 0;
  /// Rows are output pixels, columns output channels; addend_row and residual_row are the pixel
  /// strides of tensors of the output's shape.
  GemmF32Epilogue epilogue;
};

void conv_f32(const GemmF32Table& table, const ConvF32Args& args, Parallel& parallel);

/// ConvTranspose: `stride`, `dilation` and `pad` are those of the convolution whose gradient it is;
/// the output's size is given by out_height and out_width (output padding included). Weights are
/// addressed as in conv_f32, `output` being the stride of the output channel within its group and
/// `input` that of the input channel (a total index over the groups): ONNX's IOHW.
/// Whether the kernel is small enough for the stack of `conv_transpose_f32`: 512 taps that meet an
/// output pixel.
bool conv_transpose_f32_fits(const ConvF32Shape& shape);

size_t conv_transpose_f32_packed_size(const GemmF32Table& table, const ConvF32Shape& shape);
void conv_transpose_f32_pack(const GemmF32Table& table, const ConvF32Shape& shape,
                             const ConvF32Weights& weights, float* packed, Parallel& parallel);
void conv_transpose_f32(const GemmF32Table& table, const ConvF32Args& args, Parallel& parallel);

}  // namespace octet::kernels
