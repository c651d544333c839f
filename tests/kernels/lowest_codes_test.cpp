// Products of the lowest codes of both sides: the largest that there are, and the only ones whose
// pairs pass 16 bits. The expected sums are counted, not computed.
#include <doctest/doctest.h>

#include "kernels/conv_s8/conv_s8.h"
#include "kernels/conv_transpose_s8/conv_transpose_s8.h"
#include "kernels/depthwise_s8/depthwise_s8.h"
#include "kernels/gemm_s8/gemm_s8.h"
#include "tests/support/code_kernels.h"

using namespace octet;
using namespace octet::kernels;
using octet::test::AlignedBytes;
using octet::test::for_each_variant;

namespace {

// Zero points 0 and 128 (unsigned), so that each code means -128.
struct Signs {
  const char* name;
  bool a_signed, b_signed;
};
const Signs kSigns[] = {{"s8 and s8", true, true},
                        {"u8 and s8", false, true},
                        {"s8 and u8", true, false},
                        {"u8 and u8", false, false}};

uint8_t lowest(bool is_signed) { return is_signed ? 0x80 : 0; }
int32_t zero_point(bool is_signed) { return is_signed ? 0 : 128; }

template <typename Table>
void check_conv(const Table& table, const ConvShape& shape, size_t weight_count, const Signs& signs,
                int32_t expected) {
  const std::vector<uint8_t> in(shape.in_h * shape.in_w * shape.in_channels,
                                lowest(signs.a_signed));
  const std::vector<uint8_t> codes(weight_count, lowest(signs.b_signed));
  const std::vector<int32_t> zeros(shape.out_channels, zero_point(signs.b_signed));
  std::vector<int32_t> out(shape.out_h * shape.out_w * shape.out_channels, 1);
  SerialParallel serial;
  AlignedBytes packed(table.packed_bytes(shape)), scratch(table.scratch_bytes(shape, 1) + 64);
  table.pack(shape, {codes.data(), signs.b_signed, zeros.data()}, packed.data());
  ConvIo io;
  io.in = in.data();
  io.in_signed = signs.a_signed;
  io.in_zero_point = zero_point(signs.a_signed);
  io.out = out.data();
  ConvEpilogue epilogue;
  epilogue.out = Element::s32;
  table.run(shape, packed.data(), io, epilogue, scratch.data(), serial);
  CHECK((out == std::vector<int32_t>(out.size(), expected)));
}

}  // namespace

TEST_CASE("lowest codes: gemm_s8, rows of every tile") {
  SerialParallel serial;
  for (const Signs& signs : kSigns)
    for (const size_t k : {16, 37, 64})
      for (size_t m = 1; m <= 9; ++m) {
        CAPTURE(signs.name);
        const size_t n = 19;
        const std::vector<uint8_t> a(m * k, lowest(signs.a_signed)),
            b(k * n, lowest(signs.b_signed));
        const int32_t zero = zero_point(signs.b_signed);
        GemmS8Weights weights{b.data(), !signs.b_signed, k, n, n, 1, &zero, 0};
        for_each_variant(gemm_s8_variants(), select_gemm_s8, [&](const GemmS8Table& table) {
          AlignedBytes packed(table.packed_bytes(k, n)), scratch(table.scratch_bytes(m, k) + 64);
          table.pack(weights, packed.data());
          std::vector<int32_t> sums(m * n);
          GemmS8Args args;
          args.m = m;
          args.n = n;
          args.k = k;
          args.a = a.data();
          args.a_signed = signs.a_signed;
          args.a_stride = k;
          args.a_zero = zero_point(signs.a_signed);
          args.packed = packed.data();
          args.c = sums.data();
          args.c_stride = n;
          args.scratch = scratch.data();
          gemm_s8(table, args, serial);
          CHECK((sums == std::vector<int32_t>(m * n, static_cast<int32_t>(k) * 128 * 128)));
        });
      }
}

TEST_CASE("lowest codes: conv_s8 and conv_transpose_s8, rows of every tile") {
  for (const Signs& signs : kSigns)
    for (size_t pixels = 1; pixels <= 9; ++pixels) {
      CAPTURE(signs.name);
      CAPTURE(pixels);
      ConvShape shape;
      shape.in_w = shape.out_w = pixels;
      shape.in_channels = 48;
      shape.out_channels = 21;
      const size_t weights = shape.in_channels * shape.out_channels;
      for_each_variant(conv_s8_variants(), select_conv_s8, [&](const ConvS8Table& table) {
        check_conv(table, shape, weights, signs, 48 * 128 * 128);
      });
      for_each_variant(conv_transpose_s8_variants(), select_conv_transpose_s8,
                       [&](const ConvTransposeS8Table& table) {
                         check_conv(table, shape, weights, signs, 48 * 128 * 128);
                       });
    }
}

TEST_CASE("lowest codes: depthwise_s8") {
  for (const Signs& signs : kSigns) {
    CAPTURE(signs.name);
    ConvShape shape;
    shape.in_h = shape.in_w = 9;
    shape.kernel_h = shape.kernel_w = 3;
    shape.out_h = shape.out_w = 7;
    shape.in_channels = shape.out_channels = shape.groups = 37;
    for_each_variant(depthwise_s8_variants(), select_depthwise_s8,
                     [&](const DepthwiseS8Table& table) {
                       check_conv(table, shape, 37 * 9, signs, 9 * 128 * 128);
                     });
  }
}
