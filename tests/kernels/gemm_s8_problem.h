#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/parallel.h"

// Products that the tests of gemm_s8 and matmul_s8 share: operands and ends of a named case.
namespace octet::testing {

using namespace kernels;

// 64-byte aligned, exactly as large as asked for, so that sanitizers see an overrun.
struct Block {
  explicit Block(size_t bytes)
      : data(std::aligned_alloc(64, (bytes + 63) / 64 * 64 + 64), std::free) {}
  std::unique_ptr<void, void (*)(void*)> data;
};

// Two chunks at a time, the last one first: shows that a result does not depend on the split.
class BackwardsParallel final : public Parallel {
 public:
  size_t width() const override { return 3; }
  void for_ranges(size_t count, size_t grain, FunctionRef<void(size_t, size_t)> body) override {
    const size_t step = std::max<size_t>(grain, 1);
    size_t end = count;
    while (end > 0) {
      const size_t begin = (end - 1) / step * step;
      body(begin, end);
      end = begin;
    }
  }
};

enum class Fill { random, extreme };

// Codes that B has: all, or those of 4 bits, -8 or 0 and up.
enum class Width { bytes, nibbles };

struct Case {
  const char* name;
  size_t m, n, k;
  bool a_signed = false, b_unsigned = false, transposed = false;
  GemmS8Output type = GemmS8Output::u8;
  Fill fill = Fill::random;
  bool row_zero = false, b_zero = false, bias = true, lookup = false, row_scale = false,
       residual = false, per_tensor = false;
  // The float end: an activation, a residual behind it, an addend, codes of the result.
  ActivationKind activation = ActivationKind::none;
  bool residual_last = false, addend = false, rounds = false;
  bool curve = false;
};

inline const Case kCases[] = {
    {.name = "one", .m = 1, .n = 1, .k = 1},
    {.name = "nothing to sum", .m = 2, .n = 3, .k = 0},
    {.name = "gemv", .m = 1, .n = 130, .k = 515},
    {.name = "gemv past a second-level cache", .m = 1, .n = 1210, .k = 651, .b_zero = true},
    {.name = "gemv, signed, all tails", .m = 1, .n = 17, .k = 3, .a_signed = true},
    {.name = "rows 2", .m = 2, .n = 64, .k = 64, .transposed = true},
    {.name = "rows 3", .m = 3, .n = 31, .k = 6, .a_signed = true, .type = GemmS8Output::s8},
    {.name = "rows 4", .m = 4, .n = 33, .k = 65, .b_zero = true},
    {.name = "rows 5", .m = 5, .n = 49, .k = 66, .b_unsigned = true},
    {.name = "rows 6", .m = 6, .n = 48, .k = 67, .lookup = true},
    {.name = "lookup over several panels", .m = 8, .n = 171, .k = 20, .lookup = true},
    {.name = "a vector past whole panels", .m = 9, .n = 144, .k = 70, .b_zero = true},
    {.name = "a column past whole panels", .m = 6, .n = 129, .k = 33, .a_signed = true},
    {.name = "five vectors", .m = 1, .n = 80, .k = 12},
    {.name = "several tiles", .m = 203, .n = 135, .k = 77, .type = GemmS8Output::s32},
    {.name = "asymmetric u8 weights",
     .m = 19,
     .n = 70,
     .k = 40,
     .a_signed = true,
     .b_unsigned = true,
     .transposed = true,
     .type = GemmS8Output::f32,
     .b_zero = true},
    {.name = "dynamic rows",
     .m = 13,
     .n = 37,
     .k = 129,
     .type = GemmS8Output::f32,
     .row_zero = true,
     .b_zero = true,
     .row_scale = true,
     .residual = true},
    {.name = "dynamic rows, symmetric",
     .m = 7,
     .n = 65,
     .k = 100,
     .a_signed = true,
     .type = GemmS8Output::f32,
     .row_zero = true,
     .row_scale = true},
    {.name = "per tensor",
     .m = 9,
     .n = 20,
     .k = 50,
     .type = GemmS8Output::s8,
     .bias = false,
     .lookup = true,
     .per_tensor = true},
    {.name = "worst magnitudes",
     .m = 7,
     .n = 40,
     .k = kGemmS8MaxK,
     .type = GemmS8Output::s32,
     .fill = Fill::extreme,
     .bias = false},
    {.name = "worst magnitudes, asymmetric",
     .m = 3,
     .n = 20,
     .k = kGemmS8MaxK,
     .b_unsigned = true,
     .type = GemmS8Output::s32,
     .fill = Fill::extreme,
     .b_zero = true,
     .bias = false},
    {.name = "worst magnitudes, signed",
     .m = 2,
     .n = 70,
     .k = 4097,
     .a_signed = true,
     .type = GemmS8Output::s32,
     .fill = Fill::extreme,
     .b_zero = true,
     .bias = false},
};

struct Problem {
  explicit Problem(const Case& c, Width width = Width::bytes) : test(c), random(1234) {
    a = codes(c.m * (c.k + 5), c.a_signed);
    b = codes(c.k * c.n + c.n * 3 + c.k * 3, !c.b_unsigned);
    // The upper half of a byte as a code of its own: the extremes stay extremes.
    if (width == Width::nibbles)
      for (uint8_t& code : b)
        code = static_cast<uint8_t>(c.b_unsigned ? code >> 4 : static_cast<int8_t>(code) >> 4);
    for (size_t i = 0; i < c.n; ++i) {
      b_zero.push_back(c.fill == Fill::extreme ? (c.b_unsigned ? 0 : 127)
                                               : integer(0, 127) - (c.b_unsigned ? 0 : 64));
      bias.push_back(integer(-5000, 5000));
      multiplier.push_back(static_cast<float>(integer(1, 1000)) * 1e-6F);
      bias_f32.push_back(static_cast<float>(integer(-1000, 1000)) * 1e-2F);
    }
    for (size_t i = 0; i < c.m; ++i) {
      a_row_zero.push_back(c.a_signed ? integer(-128, 127) : integer(0, 255));
      row_scale.push_back(static_cast<float>(integer(1, 1000)) * 1e-2F);
    }
    for (size_t i = 0; i < c.m * (c.n + 2); ++i)
      residual.push_back(static_cast<float>(integer(-1000, 1000)) * 1e-2F);
    for (int i = 0; i < 256; ++i) lookup[i] = static_cast<uint8_t>(integer(0, 255));
    for (CodeCurve::Chord& chord : curve.chords) {
      chord.start = static_cast<int16_t>(integer(-32768, 32767));
      chord.slope =
          static_cast<int16_t>(std::clamp(integer(-32768, 32767) - chord.start, -32768, 32767));
    }
    if (!c.curve) return;
    for (float& m : multiplier) m *= 3e3F;
    for (float& x : bias_f32) x = 32768.0F + x * 1e3F;
  }

  int32_t integer(int32_t low, int32_t high) {
    return std::uniform_int_distribution<int32_t>(low, high)(random);
  }
  // Extreme: mostly the code of the largest magnitude, so that partial sums saturate if they can.
  std::vector<uint8_t> codes(size_t count, bool is_signed) {
    std::vector<uint8_t> values(count);
    const int32_t large = is_signed ? 0x80 : 0xff, other = is_signed ? 0x7f : 0;
    for (uint8_t& v : values)
      v = static_cast<uint8_t>(test.fill == Fill::random ? integer(0, 255)
                                                         : (integer(0, 49) == 0 ? other : large));
    return values;
  }

  GemmS8Weights weights() const {
    GemmS8Weights w;
    w.data = b.data();
    w.is_unsigned = test.b_unsigned;
    w.k = test.k;
    w.n = test.n;
    w.row_stride = test.transposed ? 1 : test.n + 3;
    w.column_stride = test.transposed ? test.k + 3 : 1;
    w.zero_point = test.b_zero ? b_zero.data() : nullptr;
    w.zero_stride = test.per_tensor ? 0 : 1;
    return w;
  }

  GemmS8Args args() const {
    GemmS8Args g;
    g.m = test.m;
    g.n = test.n;
    g.k = test.k;
    g.a = a.data();
    g.a_signed = test.a_signed;
    g.a_stride = test.k + 5;
    g.a_zero = test.fill == Fill::extreme ? (test.a_signed ? 127 : 0) : (test.a_signed ? -7 : 131);
    g.a_row_zero = test.row_zero ? a_row_zero.data() : nullptr;
    g.c_stride = test.n + 2;
    GemmS8Epilogue& e = g.epilogue;
    e.type = test.type;
    e.bias = test.bias ? bias.data() : nullptr;
    e.multiplier = multiplier.data();
    e.multiplier_stride = test.per_tensor ? 0 : 1;
    e.zero_point = test.type == GemmS8Output::s8 ? -3 : 120;
    e.low = test.type == GemmS8Output::s8 ? -100 : 20;
    e.high = test.type == GemmS8Output::s8 ? 127 : 250;
    e.lookup = test.lookup ? lookup : nullptr;
    e.curve = test.curve ? &curve : nullptr;
    e.row_scale = test.row_scale ? row_scale.data() : nullptr;
    e.bias_f32 = test.bias ? bias_f32.data() : nullptr;
    e.residual = test.residual ? residual.data() : nullptr;
    e.residual_stride = test.n + 2;
    e.low_f32 = -10.0F;
    e.activation = {test.activation, 0.2F, 0.5F};
    e.residual_last = test.residual_last;
    e.addend = test.addend ? bias_f32.data() : nullptr;
    e.code_scale = test.rounds ? 0.07F : 0.0F;
    return g;
  }

  Case test;
  std::mt19937 random;
  std::vector<uint8_t> a, b;
  std::vector<int32_t> b_zero, bias, a_row_zero;
  std::vector<float> multiplier, bias_f32, row_scale, residual;
  uint8_t lookup[256];
  CodeCurve curve = {};
};

inline size_t element_bytes(GemmS8Output type) {
  return type == GemmS8Output::u8 || type == GemmS8Output::s8 ? 1 : 4;
}

// C's bytes, of what lies between its rows too.
inline std::vector<uint8_t> run(const GemmS8Table& table, const Problem& problem,
                                Parallel& parallel) {
  GemmS8Args args = problem.args();
  const Block packed(gemm_s8_packed_bytes(table, args.k, args.n));
  const Block scratch(gemm_s8_scratch_bytes(table, args.m, args.k));
  gemm_s8_pack(table, problem.weights(), packed.data.get());
  std::vector<uint8_t> c(args.m * args.c_stride * element_bytes(args.epilogue.type), 0xaa);
  args.packed = packed.data.get();
  args.scratch = scratch.data.get();
  args.c = c.data();
  gemm_s8(table, args, parallel);
  return c;
}

}  // namespace octet::testing
