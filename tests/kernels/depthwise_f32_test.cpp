#include "kernels/depthwise_f32/depthwise_f32.h"

#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  DepthwiseF32Args args;
  bool epilogue = false;
};

const Case kCases[] = {
    {"3x3",
     {.batch = 2,
      .channels = 19,
      .in_height = 6,
      .in_width = 12,
      .out_height = 6,
      .out_width = 12,
      .kernel_height = 3,
      .kernel_width = 3,
      .pad_top = 1,
      .pad_left = 1},
     true},
    {"3x3 stride 2",
     {.channels = 48,
      .in_height = 9,
      .in_width = 20,
      .out_height = 5,
      .out_width = 10,
      .kernel_height = 3,
      .kernel_width = 3,
      .stride_y = 2,
      .stride_x = 2,
      .pad_top = 1,
      .pad_left = 1},
     true},
    {"many channels of a small image",
     {.channels = 147,
      .in_height = 7,
      .in_width = 7,
      .out_height = 7,
      .out_width = 7,
      .kernel_height = 5,
      .kernel_width = 5,
      .pad_top = 2,
      .pad_left = 2},
     true},
    {"5x5 dilated",
     {.channels = 16,
      .in_height = 12,
      .in_width = 25,
      .out_height = 8,
      .out_width = 21,
      .kernel_height = 5,
      .kernel_width = 5,
      .dilation_y = 2,
      .dilation_x = 3,
      .pad_top = 2,
      .pad_left = 4}},
    {"conformer",
     {.channels = 33, .in_width = 50, .out_width = 50, .kernel_width = 31, .pad_left = 15},
     true},
    {"causal",
     {.channels = 8, .in_width = 40, .out_width = 40, .kernel_width = 15, .pad_left = 14}},
    {"kernel larger than the image",
     {.channels = 20,
      .in_height = 2,
      .in_width = 3,
      .out_height = 2,
      .out_width = 3,
      .kernel_height = 7,
      .kernel_width = 7,
      .pad_top = 3,
      .pad_left = 3}},
    {"mostly padding",
     {.channels = 3, .in_width = 2, .out_width = 9, .kernel_width = 2, .pad_left = 4}},
};

}  // namespace

TEST_CASE("depthwise_f32: the same bits on every row") {
  SerialParallel serial;
  SplitParallel split;
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    DepthwiseF32Args args = c.args;
    const size_t taps = args.kernel_height * args.kernel_width;
    const size_t size = args.batch * args.out_height * args.out_width * args.channels;
    const auto in = random_floats(args.batch * args.in_height * args.in_width * args.channels, 1);
    const auto kernel = random_floats(args.channels * taps, 2);
    const auto bias = random_floats(args.channels, 3);
    const auto residual = random_floats(size, 4);
    std::vector<float> packed(kernel.size());
    depthwise_f32_pack(kernel.data(), args.channels, taps, packed.data());
    CHECK(packed[(taps - 1) * args.channels] == kernel[taps - 1]);
    args.in = in.data();
    args.weights = packed.data();
    if (c.epilogue) {
      args.bias = bias.data();
      args.residual = residual.data();
      args.activation = {ActivationKind::silu};
    }
    Floats oracle(size);
    args.out = oracle.data();
    depthwise_f32(*depthwise_f32_variants()[0].table, args, serial);
    for_each_row(depthwise_f32_variants(), select_depthwise_f32,
                 [&](const DepthwiseF32Variant& variant) {
                   for (Parallel* parallel :
                        {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
                     Floats out(size);
                     args.out = out.data();
                     depthwise_f32(*variant.table, args, *parallel);
                     CHECK(first_difference(out.data(), oracle.data(), size) == size);
                   }
                 });
  }
}
