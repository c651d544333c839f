#include "kernels/pool_f32/pool_f32.h"

#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  PoolF32Args args;
};

const Case kCases[] = {
    {"2x2",
     {.batch = 2,
      .channels = 19,
      .in_height = 6,
      .in_width = 8,
      .out_height = 3,
      .out_width = 4,
      .kernel_height = 2,
      .kernel_width = 2,
      .stride_y = 2,
      .stride_x = 2}},
    {"3x3 padded",
     {.channels = 70,
      .in_height = 7,
      .in_width = 7,
      .out_height = 4,
      .out_width = 4,
      .kernel_height = 3,
      .kernel_width = 3,
      .stride_y = 2,
      .stride_x = 2,
      .pad_top = 1,
      .pad_left = 1,
      .pad_bottom = 1,
      .pad_right = 1}},
    {"ceil",
     {.channels = 5,
      .in_height = 6,
      .in_width = 6,
      .out_height = 3,
      .out_width = 3,
      .kernel_height = 3,
      .kernel_width = 3,
      .stride_y = 2,
      .stride_x = 2}},
    {"dilated",
     {.channels = 64,
      .in_height = 9,
      .in_width = 8,
      .out_height = 7,
      .out_width = 6,
      .kernel_height = 2,
      .kernel_width = 3,
      .dilation_y = 3,
      .dilation_x = 2,
      .pad_top = 1,
      .pad_left = 2}},
    {"global",
     {.channels = 130, .in_height = 7, .in_width = 5, .kernel_height = 7, .kernel_width = 5}},
    {"1-D", {.channels = 16, .in_width = 50, .out_width = 24, .kernel_width = 4, .stride_x = 2}},
};

}  // namespace

TEST_CASE("pool_f32: the definition's values, the same bits on every row") {
  SerialParallel serial;
  SplitParallel split;
  for (const Case& c : kCases)
    for (const PoolF32 function : {PoolF32::max, PoolF32::average, PoolF32::average_padded}) {
      CAPTURE(c.name);
      CAPTURE(static_cast<int>(function));
      PoolF32Args args = c.args;
      std::vector<float> in =
          random_floats(args.batch * args.in_height * args.in_width * args.channels, 1);
      in[3] = NAN;
      args.function = function;
      args.in = in.data();
      const size_t size = args.batch * args.out_height * args.out_width * args.channels;
      Floats oracle(size);
      args.out = oracle.data();
      pool_f32(*pool_f32_variants()[0].table, args, serial);
      for_each_row(pool_f32_variants(), select_pool_f32, [&](const PoolF32Variant& variant) {
        for (Parallel* parallel :
             {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
          Floats out(size);
          args.out = out.data();
          pool_f32(*variant.table, args, *parallel);
          CHECK(first_difference(out.data(), oracle.data(), size) == size);
        }
      });
    }
}

TEST_CASE("pool_f32: what an average divides by") {
  // A 3x3 window with padding 1 on a 2x2 image of ones, ceil mode reaching past the padding.
  PoolF32Args args{.in_height = 2,
                   .in_width = 2,
                   .out_height = 2,
                   .out_width = 2,
                   .kernel_height = 3,
                   .kernel_width = 3,
                   .stride_y = 2,
                   .stride_x = 2,
                   .pad_top = 1,
                   .pad_left = 1};
  const float ones[4] = {1.0F, 1.0F, 1.0F, 1.0F};
  float out[4];
  args.in = ones;
  args.out = out;
  SerialParallel serial;
  for_each_row(pool_f32_variants(), select_pool_f32, [&](const PoolF32Variant& variant) {
    args.function = PoolF32::average;
    pool_f32(*variant.table, args, serial);
    CHECK(out[0] == 1.0F);
    CHECK(out[3] == 1.0F);
    args.function = PoolF32::average_padded;
    pool_f32(*variant.table, args, serial);
    CHECK(out[0] == 4.0F / 9.0F);
    CHECK(out[3] == 1.0F);
    args.function = PoolF32::max;
    pool_f32(*variant.table, args, serial);
    CHECK(out[1] == 1.0F);
  });
}
