#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/layernorm_f32/layernorm_f32.h"
#include "kernels/reduce_f32/reduce_f32.h"
#include "kernels/softmax_f32/softmax_f32.h"
#include "kernels/transpose/transpose.h"
#include "tests/support/random_shapes.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

TEST_CASE("random shapes: gemm_f32") {
  for_shapes([](Draw& draw, uint32_t seed) {
    const size_t m = draw.size(1, 40);
    const size_t n = draw.size(1, 150);
    const size_t k = draw.size(0, 200);
    const bool transposed = draw.flip();
    const GuardedFloats a(m * k, seed);
    const GuardedFloats b(k * n, seed + 1);
    const GuardedFloats bias(n, seed + 2);
    const GuardedFloats residual(m * n, seed + 3);
    GemmF32Args args;
    args.m = m;
    args.n = n;
    args.k = k;
    args.a = {a.data(), static_cast<ptrdiff_t>(k), 1};
    args.b = transposed ? MatrixF32{b.data(), 1, static_cast<ptrdiff_t>(k)}
                        : MatrixF32{b.data(), static_cast<ptrdiff_t>(n), 1};
    args.out_row = static_cast<ptrdiff_t>(n);
    args.epilogue.bias = draw.flip() ? bias.data() : nullptr;
    if (draw.flip()) {
      args.epilogue.residual = residual.data();
      args.epilogue.residual_row = static_cast<ptrdiff_t>(n);
    }
    const bool packs = draw.flip();
    check_floats(gemm_f32_variants(), select_gemm_f32, m * n,
                 [&](const GemmF32Table& table, float* out, Parallel& parallel) {
                   Floats packed(packs ? gemm_f32_packed_size(table, k, n) : 0);
                   GemmF32Args own = args;
                   own.out = out;
                   if (packs) gemm_f32_pack(table, args.b, k, n, packed.data(), parallel);
                   if (packs) own.packed_b = packed.data();
                   Floats scratch(packs ? 0 : gemm_f32_scratch_size(table, own));
                   own.scratch = scratch.data();
                   gemm_f32(table, own, parallel);
                 });
  });
}

TEST_CASE("random shapes: depthwise_f32") {
  for_shapes([](Draw& draw, uint32_t seed) {
    const ConvShape s = conv_case(draw, true).shape;
    const GuardedFloats x(s.batch * s.in_h * s.in_w * s.in_channels, seed);
    const GuardedFloats weights(s.kernel_h * s.kernel_w * s.in_channels, seed + 1);
    const GuardedFloats bias(s.in_channels, seed + 2);
    const DepthwiseF32Args args{.batch = s.batch,
                                .channels = s.in_channels,
                                .in_height = s.in_h,
                                .in_width = s.in_w,
                                .out_height = s.out_h,
                                .out_width = s.out_w,
                                .kernel_height = s.kernel_h,
                                .kernel_width = s.kernel_w,
                                .stride_y = s.stride_h,
                                .stride_x = s.stride_w,
                                .dilation_y = s.dilation_h,
                                .dilation_x = s.dilation_w,
                                .pad_top = s.pad_top,
                                .pad_left = s.pad_left,
                                .in = x.data(),
                                .weights = weights.data(),
                                .bias = draw.flip() ? bias.data() : nullptr};
    check_floats(depthwise_f32_variants(), select_depthwise_f32,
                 s.batch * s.out_h * s.out_w * s.in_channels,
                 [&](const DepthwiseF32Table& table, float* out, Parallel& parallel) {
                   DepthwiseF32Args own = args;
                   own.out = out;
                   depthwise_f32(table, own, parallel);
                 });
  });
}

TEST_CASE("random shapes: softmax_f32, reduce_f32 and layernorm_f32") {
  for_shapes([](Draw& draw, uint32_t seed) {
    const size_t outer = draw.size(1, 9);
    const size_t axis = draw.size(1, 200);
    const size_t inner = draw.flip() ? 1 : draw.size(1, 70);
    const GuardedFloats x(outer * axis * inner, seed, -20.0F, 20.0F);
    const bool logarithm = draw.flip();
    check_floats(softmax_f32_variants(), select_softmax_f32, x.size(),
                 [&](const SoftmaxF32Table& table, float* out, Parallel& parallel) {
                   softmax_f32(table, {x.data(), out, outer, axis, inner, logarithm}, parallel);
                 });
    const auto function = static_cast<ReduceF32>(draw.size(0, 8));
    check_floats(reduce_f32_variants(), select_reduce_f32, outer * inner,
                 [&](const ReduceF32Table& table, float* out, Parallel& parallel) {
                   reduce_f32(table, {function, x.data(), out, outer, axis, inner}, parallel);
                 });
    const size_t n = axis * inner;
    const GuardedFloats scale(n, seed + 1);
    const GuardedFloats bias(n, seed + 2);
    const GuardedFloats residual(x.size(), seed + 3);
    LayerNormF32Args args{
        .kind = draw.flip() ? NormF32::layer : NormF32::rms, .x = x.data(), .rows = outer, .n = n};
    if (draw.flip()) args.residual = residual.data();
    if (draw.flip()) args.scale = scale.data();
    if (draw.flip()) args.bias = bias.data();
    check_floats(layernorm_f32_variants(), select_layernorm_f32, x.size(),
                 [&](const LayerNormF32Table& table, float* out, Parallel& parallel) {
                   LayerNormF32Args own = args;
                   own.y = out;
                   layernorm_f32(table, own, parallel);
                 });
  });
}

TEST_CASE("random shapes: elementwise_f32") {
  for_shapes([](Draw& draw, uint32_t seed) {
    const size_t count = draw.size(1, 300);
    const GuardedFloats a(count, seed);
    const GuardedFloats b(count, seed + 1);
    const auto unary = static_cast<UnaryF32>(draw.size(0, static_cast<size_t>(UnaryF32::cos)));
    BinaryF32Args args;
    args.function = static_cast<BinaryF32>(draw.size(0, static_cast<size_t>(BinaryF32::prelu)));
    args.rank = 1;
    args.shape[0] = count;
    args.a_stride[0] = 1;
    args.b_stride[0] = draw.flip() ? 0 : 1;
    args.a = a.data();
    args.b = b.data();
    check_floats(elementwise_f32_variants(), select_elementwise_f32, count,
                 [&](const ElementwiseF32Table& table, float* out, Parallel& parallel) {
                   unary_f32(table, {unary, 0.3F, 0.9F, a.data(), out, count}, parallel);
                 });
    check_floats(elementwise_f32_variants(), select_elementwise_f32, count,
                 [&](const ElementwiseF32Table& table, float* out, Parallel& parallel) {
                   BinaryF32Args own = args;
                   own.out = out;
                   binary_f32(table, own, parallel);
                 });
  });
}

TEST_CASE("random shapes: transpose") {
  for_shapes([](Draw& draw, uint32_t seed) {
    constexpr size_t kElements[] = {1, 2, 4, 8};
    const size_t rank = draw.size(0, 5);
    size_t dims[5] = {};
    size_t permutation[5] = {0, 1, 2, 3, 4};
    size_t count = 1;
    for (size_t i = 0; i < rank; ++i) count *= dims[i] = draw.size(1, rank < 3 ? 60 : 9);
    for (size_t i = rank; i > 1; --i) std::swap(permutation[i - 1], permutation[draw.bits() % i]);
    const size_t element = kElements[draw.size(0, 3)];
    GuardedBytes in(count * element);
    in.randomize(seed);
    check_bytes(transpose_variants(), select_transpose, in.size(),
                [&](const TransposeTable& table, uint8_t* out, Parallel& parallel) {
                  table.run({in.data(), out, element, rank, dims, permutation}, parallel);
                });
  });
}

}  // namespace
