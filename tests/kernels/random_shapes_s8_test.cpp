#include "kernels/conv_s8/conv_s8.h"
#include "kernels/depthwise_s8/depthwise_s8.h"
#include "kernels/elementwise_s8/elementwise_s8.h"
#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/lut_s8/lut_s8.h"
#include "kernels/pool_f32/pool_f32.h"
#include "kernels/pool_s8/pool_s8.h"
#include "kernels/quantize_linear/quantize_linear.h"
#include "tests/support/random_shapes.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

TEST_CASE("random shapes: conv_s8 and depthwise_s8") {
  for_shapes([](Draw& draw, uint32_t) {
    const ConvCase c = conv_case(draw, false);
    const ConvShape& s = c.shape;
    check_conv(c, s.out_channels * s.in_channels / s.groups * s.kernel_h * s.kernel_w,
               conv_s8_variants(), select_conv_s8);
    const ConvCase d = conv_case(draw, true);
    check_conv(d, d.shape.out_channels * d.shape.kernel_h * d.shape.kernel_w,
               depthwise_s8_variants(), select_depthwise_s8);
  });
}

TEST_CASE("random shapes: gemm_s8") {
  for_shapes([](Draw& draw, uint32_t seed) {
    const size_t m = draw.size(1, 40);
    const size_t n = draw.size(1, 200);
    const size_t k = draw.size(0, 300);
    const bool a_signed = draw.flip();
    const bool b_unsigned = draw.flip();
    const bool transposed = draw.flip();
    const bool floats = draw.flip();
    GuardedBytes a(m * k);
    GuardedBytes b(k * n);
    a.randomize(seed);
    b.randomize(seed + 1);
    const GuardedFloats multiplier(n, seed + 2, 1e-5F, 1e-3F);
    const GuardedFloats bias(n, seed + 3);
    const GuardedFloats row_scale(m, seed + 4, 0.5F, 2.0F);
    const int32_t b_zero = b_unsigned ? 120 : -3;
    const GemmS8Weights weights{.data = b.data(),
                                .is_unsigned = b_unsigned,
                                .k = k,
                                .n = n,
                                .row_stride = transposed ? 1 : n,
                                .column_stride = transposed ? k : 1,
                                .zero_point = draw.flip() ? &b_zero : nullptr};
    GemmS8Args args;
    args.m = m;
    args.n = n;
    args.k = k;
    args.a = a.data();
    args.a_signed = a_signed;
    args.a_stride = k;
    args.a_zero = a_signed ? -7 : 99;
    args.c_stride = n;
    args.epilogue.type = floats ? GemmS8Output::f32 : GemmS8Output::u8;
    args.epilogue.multiplier = multiplier.data();
    args.epilogue.bias_f32 = bias.data();
    args.epilogue.zero_point = floats ? 0 : 128;
    if (floats) args.epilogue.row_scale = row_scale.data();
    check_bytes(gemm_s8_variants(), select_gemm_s8, m * n * (floats ? 4 : 1),
                [&](const GemmS8Table& table, uint8_t* out, Parallel& parallel) {
                  test::AlignedBytes packed(gemm_s8_packed_bytes(table, k, n));
                  gemm_s8_pack(table, weights, packed.data());
                  test::AlignedBytes scratch(gemm_s8_scratch_bytes(table, m, k));
                  GemmS8Args own = args;
                  own.packed = packed.data();
                  own.scratch = scratch.data();
                  own.c = out;
                  gemm_s8(table, own, parallel);
                });
  });
}

TEST_CASE("random shapes: pool_s8 and pool_f32") {
  for_shapes([](Draw& draw, uint32_t seed) {
    PoolShape s;
    s.batch = draw.size(1, 2);
    s.channels = draw.size(1, 90);
    s.kernel_h = draw.size(1, 4);
    s.kernel_w = draw.size(1, 4);
    s.stride_h = draw.size(1, 3);
    s.stride_w = draw.size(1, 3);
    s.pad_top = s.pad_bottom = draw.size(0, s.kernel_h - 1);
    s.pad_left = s.pad_right = draw.size(0, s.kernel_w - 1);
    s.in_h = draw.size(s.kernel_h, s.kernel_h + 12);
    s.in_w = draw.size(s.kernel_w, s.kernel_w + 12);
    s.out_h = (s.in_h + 2 * s.pad_top - s.kernel_h) / s.stride_h + 1;
    s.out_w = (s.in_w + 2 * s.pad_left - s.kernel_w) / s.stride_w + 1;
    GuardedBytes codes(s.batch * s.in_h * s.in_w * s.channels);
    codes.randomize(seed);
    const bool is_signed = draw.flip();
    const AverageS8 average{.in_signed = is_signed,
                            .in_zero_point = is_signed ? -5 : 90,
                            .out_zero_point = 77,
                            .multiplier = 0.81F,
                            .count_include_pad = draw.flip()};
    const size_t out_count = s.batch * s.out_h * s.out_w * s.channels;
    check_bytes(pool_s8_variants(), select_pool_s8, out_count,
                [&](const PoolS8Table& table, uint8_t* out, Parallel& parallel) {
                  table.max(s, codes.data(), out, is_signed, parallel);
                });
    check_bytes(pool_s8_variants(), select_pool_s8, out_count,
                [&](const PoolS8Table& table, uint8_t* out, Parallel& parallel) {
                  table.average(s, codes.data(), out, average, parallel);
                });
    const GuardedFloats x(codes.size(), seed);
    PoolF32Args args{.function = static_cast<PoolF32>(draw.size(0, 2)),
                     .batch = s.batch,
                     .channels = s.channels,
                     .in_height = s.in_h,
                     .in_width = s.in_w,
                     .out_height = s.out_h,
                     .out_width = s.out_w,
                     .kernel_height = s.kernel_h,
                     .kernel_width = s.kernel_w,
                     .stride_y = s.stride_h,
                     .stride_x = s.stride_w,
                     .pad_top = s.pad_top,
                     .pad_left = s.pad_left,
                     .pad_bottom = s.pad_bottom,
                     .pad_right = s.pad_right,
                     .in = x.data()};
    check_floats(pool_f32_variants(), select_pool_f32, out_count,
                 [&](const PoolF32Table& table, float* out, Parallel& parallel) {
                   PoolF32Args own = args;
                   own.out = out;
                   pool_f32(table, own, parallel);
                 });
  });
}

TEST_CASE("random shapes: quantize_linear") {
  for_shapes([](Draw& draw, uint32_t seed) {
    QuantizeArgs args{
        .outer = draw.size(1, 6), .channels = draw.size(1, 40), .inner = draw.size(0, 90)};
    const size_t count = args.outer * args.channels * args.inner;
    const GuardedFloats x(count, seed, -90.0F, 90.0F);
    const GuardedFloats scale(args.channels, seed + 1, 0.01F, 2.0F);
    std::vector<int32_t> zeros(args.channels, 100);
    const bool narrow = draw.flip();
    args.in = x.data();
    args.type = narrow ? Element::u8 : Element::u16;
    args.high = narrow ? 255 : 65535;
    args.scale = scale.data();
    args.zero_point = draw.flip() ? zeros.data() : nullptr;
    check_bytes(quantize_linear_variants(), select_quantize_linear, count * (narrow ? 1 : 2),
                [&](const QuantizeLinearTable& table, uint8_t* out, Parallel& parallel) {
                  QuantizeArgs own = args;
                  own.out = out;
                  table.quantize(own, parallel);
                });
    GuardedBytes codes(count * (narrow ? 1 : 2));
    codes.randomize(seed);
    check_floats(quantize_linear_variants(), select_quantize_linear, count,
                 [&](const QuantizeLinearTable& table, float* out, Parallel& parallel) {
                   table.dequantize({codes.data(), args.type, out, args.outer, args.channels,
                                     args.inner, args.scale, args.zero_point},
                                    parallel);
                 });
  });
}

TEST_CASE("random shapes: elementwise_s8 and lut_s8") {
  for_shapes([](Draw& draw, uint32_t seed) {
    const size_t rows = draw.size(1, 12);
    const size_t columns = draw.size(1, 150);
    GuardedBytes a(rows * columns);
    GuardedBytes b(rows * columns);
    a.randomize(seed);
    b.randomize(seed + 1);
    const auto input = [&](const GuardedBytes& data, bool whole) {
      ElementwiseS8Input i{data.data(), draw.flip(), 3, 0.37F, columns, 1};
      if (whole) return i;
      i.row_stride = draw.flip() ? 1 : 0;
      i.column_stride = i.row_stride == 1 || draw.flip() ? 0 : 1;
      return i;
    };
    ElementwiseS8Args args{rows, columns, input(a, true), input(b, draw.flip())};
    args.zero_point = 60;
    for (const auto function :
         {&ElementwiseS8Table::add, &ElementwiseS8Table::sub, &ElementwiseS8Table::mul})
      check_bytes(elementwise_s8_variants(), select_elementwise_s8, rows * columns,
                  [&](const ElementwiseS8Table& table, uint8_t* out, Parallel& parallel) {
                    ElementwiseS8Args own = args;
                    own.out = out;
                    (table.*function)(own, parallel);
                  });
    GuardedBytes lookup(256);
    lookup.randomize(seed + 2);
    check_bytes(lut_s8_variants(), select_lut_s8, rows * columns,
                [&](const LutS8Table& table, uint8_t* out, Parallel& parallel) {
                  table.map(a.data(), out, rows * columns, lookup.data(), parallel);
                });
  });
}

}  // namespace
