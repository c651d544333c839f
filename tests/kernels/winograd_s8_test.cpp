#include "kernels/winograd_s8/winograd_s8.h"

#include "tests/support/conv_cases.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

constexpr ConvShape padded(size_t height, size_t width, size_t in, size_t out, size_t pad = 1) {
  return {.in_h = height,
          .in_w = width,
          .in_channels = in,
          .out_h = height + 2 * pad - 2,
          .out_w = width + 2 * pad - 2,
          .out_channels = out,
          .kernel_h = 3,
          .kernel_w = 3,
          .pad_top = pad,
          .pad_left = pad};
}

constexpr ConvShape batched(ConvShape shape, size_t batch) {
  shape.batch = batch;
  return shape;
}

const ConvCase kCases[] = {
    {.name = "whole tiles", .shape = padded(8, 12, 64, 64), .in_zero_point = 128},
    {.name = "tiles over the edge", .shape = padded(7, 9, 64, 80), .in_zero_point = 3},
    {.name = "one pixel", .shape = padded(1, 1, 32, 16), .in_zero_point = 200},
    {.name = "one row", .shape = padded(1, 13, 32, 48), .in_zero_point = 20},
    {.name = "no padding", .shape = padded(9, 8, 32, 33, 0), .in_zero_point = 20},
    {.name = "wide padding", .shape = padded(3, 5, 32, 17, 2), .in_zero_point = 255},
    {.name = "many tiles", .shape = padded(30, 33, 32, 16), .in_zero_point = 77},
    {.name = "batch", .shape = batched(padded(5, 6, 96, 130), 3), .in_zero_point = 77},
    {.name = "s8",
     .shape = padded(6, 10, 64, 70),
     .in_signed = true,
     .in_zero_point = -7,
     .out = Element::s8},
    {.name = "weight zero points",
     .shape = padded(6, 6, 32, 24),
     .in_zero_point = 50,
     .weight_zero_points = true},
    {.name = "u8 weights",
     .shape = padded(6, 6, 32, 24),
     .in_signed = true,
     .in_zero_point = -50,
     .weights_signed = false,
     .weight_zero_points = true},
    {.name = "s32",
     .shape = padded(6, 6, 32, 24),
     .in_zero_point = 50,
     .out = Element::s32,
     .bias = false},
    {.name = "f32, bias and residual",
     .shape = padded(6, 6, 32, 21),
     .in_zero_point = 50,
     .out = Element::f32,
     .residual = true,
     .real_bias = true},
    {.name = "all codes", .shape = padded(6, 7, 32, 40), .in_zero_point = 50, .whole = true},
    {.name = "residual", .shape = padded(6, 7, 32, 40), .in_zero_point = 50, .residual = true},
    {.name = "hard swish", .shape = padded(6, 7, 32, 40), .in_zero_point = 50, .swish = true},
    {.name = "hard swish and residual, s8",
     .shape = padded(6, 7, 32, 23),
     .in_signed = true,
     .in_zero_point = 5,
     .out = Element::s8,
     .residual = true,
     .swish = true},
    {.name = "hard swish, f32",
     .shape = padded(6, 7, 32, 23),
     .in_zero_point = 50,
     .out = Element::f32,
     .swish = true},
    {.name = "residual and table, s8",
     .shape = padded(6, 7, 32, 23),
     .in_zero_point = 50,
     .out = Element::s8,
     .residual = true,
     .table = true},
    {.name = "pixel strides",
     .shape = padded(6, 7, 32, 24),
     .in_zero_point = 50,
     .in_pad = 5,
     .out_pad = 7},
    // 224 * 9 * 128 is the most that winograd_s8_takes() lets pass, but for 4,095.
    {.name = "largest sums",
     .shape = padded(6, 7, 224, 18),
     .in_zero_point = 0,
     .out = Element::s32,
     .worst = true},
    {.name = "largest sums, s8",
     .shape = padded(6, 7, 224, 18),
     .in_signed = true,
     .in_zero_point = 127,
     .out = Element::s32,
     .worst = true},
};

void check(const ConvCase& c, const ConvData& data) {
  REQUIRE(winograd_s8_takes(c.shape, data.conv_weights()));
  SerialParallel serial;
  GuardedBytes expected(data.out_bytes());
  run_conv(*winograd_s8_variants()[0].table, c, data, serial, expected);
  for_each_variant(winograd_s8_variants(), select_winograd_s8, [&](const ConvS8Table& table) {
    GuardedBytes out(data.out_bytes());
    run_conv(table, c, data, serial, out);
    CHECK(first_difference(out, expected) == -1);
  });
}

size_t weight_count(const ConvShape& s) { return s.out_channels * s.in_channels * 9; }

}  // namespace

TEST_CASE("winograd_s8: every instruction set gives the bytes of the convolution") {
  for (const ConvCase& c : kCases) {
    CAPTURE(std::string(c.name));
    REQUIRE(winograd_s8_takes(c.shape, ConvData(c, weight_count(c.shape)).conv_weights()));
    check_conv(c, weight_count(c.shape), winograd_s8_variants(), select_winograd_s8);
  }
}

// The signs of the transforms' rows, as the paper gives them: codes at the ends of their range with
// these signs make the largest transformed codes, weights likewise.
TEST_CASE("winograd_s8: the largest transformed codes and weights stay exact") {
  constexpr int kInputSigns[6][6] = {{1, 0, -1, 0, 1, 0},  {0, -1, -1, 1, 1, 0},
                                     {0, 1, -1, -1, 1, 0}, {0, -1, -1, 1, 1, 0},
                                     {0, 1, -1, -1, 1, 0}, {0, 1, 0, -1, 0, 1}};
  constexpr int kWeightSigns[6][3] = {{1, 0, 0}, {1, 1, 1},  {1, -1, 1},
                                      {1, 1, 1}, {1, -1, 1}, {0, 0, 1}};
  ConvCase c{.name = "extremes", .shape = padded(6, 6, 32, 16, 0), .out = Element::s32};
  for (const bool is_signed : {false, true})
    for (const int polarity : {1, -1})
      for (int row = 0; row < 36; ++row) {
        c.in_signed = is_signed;
        c.weights_signed = is_signed;
        ConvData data(c, weight_count(c.shape));
        const int low = is_signed ? 0x80 : 0x00, high = is_signed ? 0x7F : 0xFF;
        for (int at = 0; at < 36; ++at) {
          const int sign = kInputSigns[row / 6][at / 6] * kInputSigns[row % 6][at % 6] * polarity;
          std::memset(data.in.data() + at * 32, sign > 0 ? high : low, 32);
        }
        for (size_t w = 0; w < weight_count(c.shape); ++w) {
          const int sign = kWeightSigns[row / 6][w % 9 / 3] * kWeightSigns[row % 6][w % 3];
          data.weights.data()[w] = static_cast<uint8_t>(sign < 0 ? low : high);
        }
        CAPTURE(row);
        check(c, data);
      }
}

TEST_CASE("winograd_s8: refuses what it can't compute exactly, and other geometries") {
  const auto takes = [](const ConvShape& s, int code, const int32_t* zeros = nullptr) {
    const std::vector<uint8_t> weights(weight_count(s), static_cast<uint8_t>(code));
    return winograd_s8_takes(s, {weights.data(), true, zeros});
  };
  const ConvShape s = padded(6, 6, 256, 2);
  CHECK(takes(s, 113));        // 256 * 9 * 113 = 2^18 - 1792
  CHECK_FALSE(takes(s, 114));  // 2^18 + 512
  CHECK_FALSE(takes(s, 0x80));
  const int32_t zeros[] = {0, 114};
  CHECK_FALSE(takes(s, 0, zeros));
  CHECK_FALSE(takes(padded(6, 6, 48, 2), 1));
  ConvShape other = s;
  other.stride_w = 2;
  CHECK_FALSE(takes(other, 1));
  other = s;
  other.dilation_h = 2;
  CHECK_FALSE(takes(other, 1));
  other = s;
  other.groups = 2;
  CHECK_FALSE(takes(other, 1));
  other = s;
  other.kernel_h = 1;
  CHECK_FALSE(takes(other, 1));
}

TEST_CASE("winograd_s8: is chosen where it was measured to be faster") {
  const ConvShape image = padded(56, 56, 64, 64);
  for (const Isa isa : {Isa::avx2, Isa::avxvnni, Isa::avx512vnni, Isa::neon})
    CHECK(winograd_s8_pays(image, isa));
  for (const Isa isa : {Isa::scalar, Isa::amx, Isa::neondot, Isa::i8mm})
    CHECK_FALSE(winograd_s8_pays(image, isa));
  ConvShape unknown = image;
  unknown.batch = unknown.out_h = unknown.out_w = 0;
  CHECK(winograd_s8_pays(unknown, Isa::avx512vnni));
  // Tiles that are mostly padding, few of them, and more weights than a cache holds.
  CHECK_FALSE(winograd_s8_pays(padded(5, 5, 64, 64), Isa::avx512vnni));
  CHECK_FALSE(winograd_s8_pays(padded(4, 4, 64, 64), Isa::avxvnni));
  CHECK(winograd_s8_pays(padded(4, 4, 64, 64), Isa::avx2));
  CHECK(winograd_s8_pays(padded(14, 14, 256, 256), Isa::avx2));
  CHECK_FALSE(winograd_s8_pays(padded(14, 14, 256, 256), Isa::avx512vnni));
  CHECK_FALSE(winograd_s8_pays(padded(7, 7, 512, 512), Isa::avx2));
}
