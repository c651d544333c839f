#include "kernels/conv_transpose_s8/conv_transpose_s8.h"

#include "tests/support/conv_cases.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

constexpr ConvShape square(size_t size, size_t in, size_t out, size_t kernel, size_t stride,
                           size_t pad, size_t groups = 1, size_t dilation = 1) {
  const size_t result = (size - 1) * stride + (kernel - 1) * dilation + 1 - 2 * pad;
  return {.batch = 2,
          .in_h = size,
          .in_w = size,
          .in_channels = in,
          .out_h = result,
          .out_w = result,
          .out_channels = out,
          .groups = groups,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .dilation_h = dilation,
          .dilation_w = dilation,
          .pad_top = pad,
          .pad_left = pad};
}

const ConvCase kCases[] = {
    {.name = "2x2, stride 2", .shape = square(5, 16, 24, 2, 2, 0), .in_zero_point = 128},
    {.name = "4x4, stride 2", .shape = square(5, 20, 35, 4, 2, 1), .in_zero_point = 128},
    {.name = "3x3, stride 1",
     .shape = square(5, 9, 16, 3, 1, 1),
     .in_signed = true,
     .in_zero_point = -3,
     .out = Element::s8},
    {.name = "3x3, stride 2", .shape = square(5, 9, 16, 3, 2, 1), .in_zero_point = 128},
    {.name = "stride past the kernel", .shape = square(4, 9, 16, 2, 3, 0), .in_zero_point = 128},
    {.name = "groups", .shape = square(4, 12, 8, 3, 2, 1, 4), .in_zero_point = 128},
    {.name = "dilation", .shape = square(5, 8, 8, 3, 2, 1, 1, 2), .in_zero_point = 128},
    {.name = "dilation 3, stride 2", .shape = square(5, 8, 8, 3, 2, 1, 1, 3), .in_zero_point = 7},
    {.name = "pads past the kernel", .shape = square(5, 9, 16, 2, 1, 2), .in_zero_point = 7},
    {.name = "the same, few channels", .shape = square(5, 3, 16, 2, 1, 2), .in_zero_point = 7},
    {.name = "weight zero points",
     .shape = square(4, 12, 8, 3, 2, 1),
     .in_zero_point = 100,
     .weight_zero_points = true},
    {.name = "u8 weights, groups",
     .shape = square(4, 12, 8, 4, 2, 1, 2),
     .in_signed = true,
     .in_zero_point = -100,
     .weights_signed = false,
     .weight_zero_points = true},
    {.name = "residual",
     .shape = square(4, 12, 8, 4, 2, 1),
     .in_zero_point = 100,
     .residual = true},
    {.name = "f32", .shape = square(4, 12, 8, 4, 2, 1), .in_zero_point = 100, .out = Element::f32},
    {.name = "largest sums",
     .shape = square(4, 64, 8, 4, 2, 1),
     .in_zero_point = 0,
     .out = Element::s32,
     .worst = true},
};

}  // namespace

TEST_CASE("conv_transpose_s8: every instruction set gives the oracle's bytes") {
  for (const ConvCase& c : kCases)
    check_conv(c,
               c.shape.in_channels * c.shape.out_channels / c.shape.groups * c.shape.kernel_h *
                   c.shape.kernel_w,
               conv_transpose_s8_variants(), select_conv_transpose_s8);
}
