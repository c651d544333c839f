#include "kernels/conv_f32/conv_f32.h"

#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  ConvF32Shape shape;
  bool epilogue = false;
};

const Case kCases[] = {
    {"1-D, 3000 taps",
     {.in_width = 4000,
      .in_channels = 2,
      .out_width = 21,
      .out_channels = 4,
      .kernel_width = 3000,
      .stride_x = 150,
      .pad_left = 1000}},
    {"pointwise",
     {.in_height = 5,
      .in_width = 6,
      .in_channels = 9,
      .out_height = 5,
      .out_width = 6,
      .out_channels = 35},
     true},
    {"3x3 padded",
     {.batch = 2,
      .in_height = 7,
      .in_width = 6,
      .in_channels = 5,
      .out_height = 7,
      .out_width = 6,
      .out_channels = 18,
      .kernel_height = 3,
      .kernel_width = 3,
      .pad_top = 1,
      .pad_left = 1},
     true},
    {"3x3, taps without windows",
     {.in_height = 7,
      .in_width = 6,
      .in_channels = 130,
      .out_height = 7,
      .out_width = 6,
      .out_channels = 33,
      .kernel_height = 3,
      .kernel_width = 3,
      .pad_top = 1,
      .pad_left = 1},
     true},
    {"first layer",
     {.in_height = 23,
      .in_width = 21,
      .in_channels = 3,
      .out_height = 12,
      .out_width = 11,
      .out_channels = 24,
      .kernel_height = 7,
      .kernel_width = 7,
      .stride_y = 2,
      .stride_x = 2,
      .pad_top = 3,
      .pad_left = 3}},
    {"dilated",
     {.in_height = 11,
      .in_width = 13,
      .in_channels = 4,
      .out_height = 7,
      .out_width = 9,
      .out_channels = 6,
      .kernel_height = 3,
      .kernel_width = 3,
      .dilation_y = 2,
      .dilation_x = 2}},
    {"dilated wide",
     {.in_height = 6,
      .in_width = 9,
      .in_channels = 40,
      .out_height = 6,
      .out_width = 9,
      .out_channels = 6,
      .kernel_height = 3,
      .kernel_width = 3,
      .dilation_y = 2,
      .dilation_x = 3,
      .pad_top = 2,
      .pad_left = 3}},
    {"groups",
     {.in_height = 6,
      .in_width = 5,
      .in_channels = 12,
      .out_height = 6,
      .out_width = 5,
      .out_channels = 9,
      .kernel_height = 3,
      .kernel_width = 3,
      .pad_top = 1,
      .pad_left = 1,
      .groups = 3},
     true},
    {"grouped pointwise",
     {.in_height = 6,
      .in_width = 5,
      .in_channels = 12,
      .out_height = 6,
      .out_width = 5,
      .out_channels = 34,
      .groups = 2}},
    {"strided pointwise",
     {.in_height = 6,
      .in_width = 5,
      .in_channels = 12,
      .out_height = 3,
      .out_width = 3,
      .out_channels = 34,
      .stride_y = 2,
      .stride_x = 2}},
    {"1-D, 400 taps",
     {.in_width = 1800,
      .in_channels = 1,
      .out_width = 15,
      .out_channels = 20,
      .kernel_width = 400,
      .stride_x = 100}},
    {"1-D, 700 taps",
     {.in_width = 760,
      .in_channels = 2,
      .out_width = 80,
      .out_channels = 4,
      .kernel_width = 700,
      .pad_left = 9}},
    {"kernel larger than the image",
     {.in_height = 2,
      .in_width = 2,
      .in_channels = 3,
      .out_height = 2,
      .out_width = 2,
      .out_channels = 3,
      .kernel_height = 5,
      .kernel_width = 5,
      .pad_top = 2,
      .pad_left = 2}},
    {"many pixels",
     {.in_height = 40,
      .in_width = 41,
      .in_channels = 40,
      .out_height = 38,
      .out_width = 39,
      .out_channels = 40,
      .kernel_height = 3,
      .kernel_width = 3}},
};

const Case kTransposed[] = {
    {"1-D, 1024 taps",
     {.in_width = 12,
      .in_channels = 9,
      .out_width = 3840,
      .out_channels = 1,
      .kernel_width = 1024,
      .stride_x = 256}},
    {"stride 2",
     {.batch = 2,
      .in_height = 4,
      .in_width = 5,
      .in_channels = 6,
      .out_height = 8,
      .out_width = 10,
      .out_channels = 18,
      .kernel_height = 4,
      .kernel_width = 4,
      .stride_y = 2,
      .stride_x = 2,
      .pad_top = 1,
      .pad_left = 1},
     true},
    {"stride larger than the kernel",
     {.in_height = 3,
      .in_width = 4,
      .in_channels = 3,
      .out_height = 8,
      .out_width = 11,
      .out_channels = 2,
      .kernel_height = 2,
      .kernel_width = 2,
      .stride_y = 3,
      .stride_x = 3},
     true},
    {"dilated groups",
     {.in_height = 5,
      .in_width = 6,
      .in_channels = 4,
      .out_height = 14,
      .out_width = 16,
      .out_channels = 6,
      .kernel_height = 3,
      .kernel_width = 3,
      .stride_y = 2,
      .stride_x = 2,
      .dilation_y = 3,
      .dilation_x = 3,
      .groups = 2}},
    {"1-D",
     {.in_width = 30,
      .in_channels = 8,
      .out_width = 239,
      .out_channels = 40,
      .kernel_width = 16,
      .stride_x = 8,
      .pad_left = 4},
     true},
};

struct Run {
  explicit Run(const Case& c, bool transposed)
      : shape(c.shape),
        depth(shape.in_channels / shape.groups),
        columns(shape.out_channels / shape.groups),
        taps(shape.kernel_height * shape.kernel_width),
        in_pixel(shape.in_channels + (c.epilogue ? 2 : 0)),
        out_pixel(shape.out_channels + (c.epilogue ? 1 : 0)),
        in(random_floats(shape.batch * shape.in_height * shape.in_width * in_pixel, 1)),
        kernel(random_floats(shape.in_channels * shape.out_channels * taps / shape.groups, 2)),
        bias(random_floats(shape.out_channels, 3)),
        residual(random_floats(pixels() * shape.out_channels, 4)) {
    const auto stride = [](size_t size) { return static_cast<ptrdiff_t>(size); };
    weights = {kernel.data(), stride(transposed ? taps : depth * taps),
               stride(transposed ? columns * taps : taps), stride(shape.kernel_width), 1};
    args.shape = shape;
    args.in = in.data();
    args.in_pixel = stride(in_pixel);
    args.out_pixel = stride(out_pixel);
    if (!c.epilogue) return;
    args.epilogue.bias = bias.data();
    args.epilogue.activation = {ActivationKind::clip, -0.5F, 0.75F};
    args.epilogue.residual = residual.data();
    args.epilogue.residual_row = stride(shape.out_channels);
  }
  size_t pixels() const { return shape.batch * shape.out_height * shape.out_width; }
  const float* in_at(size_t image, size_t y, size_t x) const {
    return in.data() + ((image * shape.in_height + y) * shape.in_width + x) * in_pixel;
  }
  float finish(float sum, size_t pixel, size_t channel) const {
    if (args.epilogue.bias == nullptr) return sum;
    const float value = std::clamp(sum + bias[channel], -0.5F, 0.75F);
    return value + residual[pixel * shape.out_channels + channel];
  }
  float tap(float sum, const float* pixel, size_t group, size_t output, size_t t) const {
    const float* w = weights.data + static_cast<ptrdiff_t>(output) * weights.output + t;
    for (size_t i = 0; i < depth; ++i)
      sum = std::fma(pixel[group * depth + i], w[static_cast<ptrdiff_t>(i) * weights.input], sum);
    return sum;
  }

  ConvF32Shape shape;
  size_t depth, columns, taps, in_pixel, out_pixel;
  std::vector<float> in, kernel, bias, residual;
  ConvF32Weights weights;
  ConvF32Args args;
};

float convolved(const Run& run, size_t pixel, size_t channel) {
  const ConvF32Shape& s = run.shape;
  const size_t image = pixel / (s.out_height * s.out_width);
  const size_t out_y = pixel / s.out_width % s.out_height;
  const size_t out_x = pixel % s.out_width;
  float sum = 0.0F;
  for (size_t t = 0; t < run.taps; ++t) {
    const size_t y = out_y * s.stride_y + t / s.kernel_width * s.dilation_y - s.pad_top;
    const size_t x = out_x * s.stride_x + t % s.kernel_width * s.dilation_x - s.pad_left;
    if (y < s.in_height && x < s.in_width)
      sum = run.tap(sum, run.in_at(image, y, x), channel / run.columns, channel, t);
  }
  return run.finish(sum, pixel, channel);
}

float transposed(const Run& run, size_t pixel, size_t channel) {
  const ConvF32Shape& s = run.shape;
  const size_t image = pixel / (s.out_height * s.out_width);
  const auto out_y = static_cast<ptrdiff_t>(pixel / s.out_width % s.out_height + s.pad_top);
  const auto out_x = static_cast<ptrdiff_t>(pixel % s.out_width + s.pad_left);
  const size_t group = channel / run.columns;
  float sum = 0.0F;
  for (size_t t = 0; t < run.taps; ++t)
    for (size_t y = 0; y < s.in_height; ++y)
      for (size_t x = 0; x < s.in_width; ++x) {
        const size_t ky = t / s.kernel_width;
        const size_t kx = t % s.kernel_width;
        if (static_cast<ptrdiff_t>(y * s.stride_y + ky * s.dilation_y) != out_y) continue;
        if (static_cast<ptrdiff_t>(x * s.stride_x + kx * s.dilation_x) != out_x) continue;
        const float* w = run.weights.data + group * run.depth * run.columns * run.taps +
                         channel % run.columns * run.taps + t;
        for (size_t i = 0; i < run.depth; ++i)
          sum = std::fma(run.in_at(image, y, x)[group * run.depth + i],
                         w[static_cast<ptrdiff_t>(i) * run.weights.input], sum);
      }
  return run.finish(sum, pixel, channel);
}

void check(const Case& c, bool transpose) {
  CAPTURE(c.name);
  Run run(c, transpose);
  const size_t size = run.pixels() * run.out_pixel;
  Floats expected(size, -7.0F);
  for (size_t p = 0; p < run.pixels(); ++p)
    for (size_t o = 0; o < run.shape.out_channels; ++o)
      expected.data()[p * run.out_pixel + o] =
          transpose ? transposed(run, p, o) : convolved(run, p, o);
  for_each_row(gemm_f32_variants(), select_gemm_f32, [&](const GemmF32Variant& variant) {
    SerialParallel serial;
    SplitParallel split;
    Floats packed(conv_f32_packed_size(*variant.table, run.shape), NAN);
    (transpose ? conv_transpose_f32_pack : conv_f32_pack)(*variant.table, run.shape, run.weights,
                                                          packed.data(), serial);
    for (Parallel* parallel : {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
      Floats out(size, -7.0F);
      ConvF32Args args = run.args;
      args.packed = packed.data();
      args.out = out.data();
      (transpose ? conv_transpose_f32 : conv_f32)(*variant.table, args, *parallel);
      CHECK(first_difference(out.data(), expected.data(), size) == size);
    }
  });
}

}  // namespace

TEST_CASE("conv_f32: every row and every split gives the definition's bits") {
  for (const Case& c : kCases) check(c, false);
}

TEST_CASE("conv_transpose_f32: every row and every split gives the definition's bits") {
  for (const Case& c : kTransposed) check(c, true);
}

TEST_CASE("conv_f32: kernels that the stack can't hold are told apart") {
  CHECK(conv_f32_fits({.in_channels = 512, .kernel_height = 32, .kernel_width = 64}));
  CHECK_FALSE(conv_f32_fits({.in_channels = 64, .kernel_width = 2049}));
  CHECK(conv_f32_fits({.in_channels = 2, .kernel_width = 8192}));
  CHECK_FALSE(conv_f32_fits({.in_channels = 2, .kernel_width = 8193}));
  CHECK(conv_transpose_f32_fits({.kernel_width = 2048, .stride_x = 4}));
  CHECK_FALSE(conv_transpose_f32_fits({.kernel_width = 2052, .stride_x = 4}));
}
