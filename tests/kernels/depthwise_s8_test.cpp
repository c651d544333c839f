#include "kernels/depthwise_s8/depthwise_s8.h"

#include "tests/support/conv_cases.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

constexpr ConvShape square(size_t size, size_t channels, size_t kernel, size_t stride,
                           size_t dilation = 1) {
  const size_t pad = kernel / 2 * dilation;
  const size_t out = (size + stride - 1) / stride;
  return {.in_h = size,
          .in_w = size,
          .in_channels = channels,
          .out_h = out,
          .out_w = out,
          .out_channels = channels,
          .groups = channels,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .dilation_h = dilation,
          .dilation_w = dilation,
          .pad_top = pad,
          .pad_left = pad};
}

constexpr ConvShape line(size_t length, size_t channels, size_t kernel, size_t pad) {
  return {.batch = 2,
          .in_w = length,
          .in_channels = channels,
          .out_w = length,
          .out_channels = channels,
          .groups = channels,
          .kernel_w = kernel,
          .pad_left = pad};
}

/// 3x3 over `height` x `width`, with `left` columns and a row of padding before and `right` columns
/// behind.
constexpr ConvShape window(size_t height, size_t width, size_t stride, size_t left, size_t right) {
  return {.in_h = height,
          .in_w = width,
          .in_channels = 83,
          .out_h = height - 1,
          .out_w = (width + left + right - 3) / stride + 1,
          .out_channels = 83,
          .groups = 83,
          .kernel_h = 3,
          .kernel_w = 3,
          .stride_w = stride,
          .pad_top = 1,
          .pad_left = left};
}

const ConvCase kCases[] = {
    {.name = "hard swish", .shape = square(9, 96, 3, 1), .in_zero_point = 50, .swish = true},
    {.name = "hard swish and residual, s8",
     .shape = square(9, 41, 5, 2),
     .in_signed = true,
     .in_zero_point = 5,
     .out = Element::s8,
     .residual = true,
     .swish = true},
    {.name = "hard swish, f32",
     .shape = square(9, 41, 5, 2),
     .in_zero_point = 50,
     .out = Element::f32,
     .swish = true},
    {.name = "3x3", .shape = square(9, 64, 3, 1), .in_zero_point = 128},
    {.name = "3x3, stride 2", .shape = square(9, 96, 3, 2), .in_zero_point = 3},
    {.name = "3x3, 24 channels", .shape = square(7, 24, 3, 1), .in_zero_point = 3},
    {.name = "3x3, 5 channels", .shape = square(7, 5, 3, 1), .in_zero_point = 200},
    {.name = "3x3, 145 channels, s8",
     .shape = square(7, 145, 3, 1),
     .in_signed = true,
     .in_zero_point = -9,
     .out = Element::s8},
    {.name = "a bias of its own, u8",
     .shape = square(7, 145, 3, 1),
     .in_zero_point = 9,
     .bias = false,
     .real_bias = true},
    {.name = "a bias of its own, s8",
     .shape = square(6, 24, 3, 2),
     .in_signed = true,
     .in_zero_point = -9,
     .out = Element::s8,
     .real_bias = true},
    {.name = "3x3, no padding", .shape = window(9, 12, 1, 0, 0), .in_zero_point = 77},
    {.name = "3x3, pads past the kernel", .shape = window(4, 5, 1, 4, 3), .in_zero_point = 77},
    {.name = "3x3, pads past the kernel, stride 2",
     .shape = window(5, 6, 2, 3, 4),
     .in_zero_point = 77},
    {.name = "3x3, one column", .shape = window(6, 1, 1, 1, 1), .in_zero_point = 77},
    {.name = "3x3, two columns, stride 2", .shape = window(6, 2, 2, 1, 1), .in_zero_point = 77},
    {.name = "3x3, only on the right, stride 2",
     .shape = window(8, 8, 2, 0, 1),
     .in_zero_point = 77},
    {.name = "3x3, a long row", .shape = window(2, 301, 1, 1, 1), .in_zero_point = 77},
    {.name = "3x3, stride 3", .shape = square(9, 64, 3, 3), .in_zero_point = 3},
    {.name = "3x3, hard swish", .shape = square(9, 96, 3, 1), .in_zero_point = 3, .swish = true},
    {.name = "3x3, hard swish, stride 2, s8",
     .shape = square(9, 41, 3, 2),
     .in_zero_point = 3,
     .out = Element::s8,
     .swish = true},
    {.name = "5x5", .shape = square(8, 40, 5, 1), .in_zero_point = 128},
    {.name = "5x5, stride 2", .shape = square(8, 72, 5, 2), .in_zero_point = 128},
    {.name = "7x7 larger than the input", .shape = square(4, 33, 7, 1), .in_zero_point = 128},
    {.name = "dilation", .shape = square(9, 20, 3, 1, 2), .in_zero_point = 128},
    {.name = "1x1", .shape = square(3, 70, 1, 1), .in_zero_point = 128},
    {.name = "conformer", .shape = line(50, 128, 31, 15), .in_zero_point = 128},
    {.name = "causal",
     .shape = line(40, 48, 15, 14),
     .in_signed = true,
     .in_zero_point = 1,
     .out = Element::s8},
    {.name = "even kernel", .shape = line(20, 17, 4, 2), .in_zero_point = 128},
    {.name = "weight zero points",
     .shape = square(6, 70, 3, 1),
     .in_zero_point = 100,
     .weight_zero_points = true},
    {.name = "u8 weights, 5x5, s8",
     .shape = square(6, 24, 5, 1),
     .in_signed = true,
     .in_zero_point = -100,
     .weights_signed = false,
     .weight_zero_points = true},
    {.name = "u8 weights without zero points",
     .shape = square(6, 16, 3, 1),
     .in_zero_point = 9,
     .weights_signed = false},
    {.name = "s32",
     .shape = square(6, 35, 3, 1),
     .in_zero_point = 9,
     .out = Element::s32,
     .bias = false},
    {.name = "f32, residual",
     .shape = square(6, 35, 3, 1),
     .in_zero_point = 9,
     .out = Element::f32,
     .residual = true},
    {.name = "residual", .shape = square(6, 35, 3, 1), .in_zero_point = 9, .residual = true},
    {.name = "table", .shape = square(6, 80, 3, 1), .in_zero_point = 9, .table = true},
    {.name = "pixel strides",
     .shape = square(6, 23, 3, 1),
     .in_zero_point = 9,
     .in_pad = 3,
     .out_pad = 5},
    {.name = "largest sums",
     .shape = square(6, 23, 5, 1),
     .in_zero_point = 0,
     .out = Element::s32,
     .worst = true},
    {.name = "largest sums, s8",
     .shape = square(6, 23, 5, 1),
     .in_signed = true,
     .in_zero_point = 127,
     .out = Element::s32,
     .worst = true},
};

}  // namespace

TEST_CASE("depthwise_s8: every instruction set gives the oracle's bytes") {
  for (const ConvCase& c : kCases)
    check_conv(c, c.shape.out_channels * c.shape.kernel_h * c.shape.kernel_w,
               depthwise_s8_variants(), select_depthwise_s8);
}
