#include "kernels/gemm_s8/gemm_s8.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "kernels/gemm_s8/matmul_s8.h"
#include "kernels/parallel.h"

using namespace octet;
using namespace octet::kernels;

namespace {

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

const Case kCases[] = {
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

const Case kFinishedCases[] = {
    {.name = "silu to codes",
     .m = 14,
     .n = 90,
     .k = 30,
     .activation = ActivationKind::silu,
     .rounds = true},
    {.name = "one row, gelu to codes",
     .m = 1,
     .n = 77,
     .k = 30,
     .type = GemmS8Output::s8,
     .activation = ActivationKind::gelu_erf,
     .rounds = true},
    {.name = "residual to codes", .m = 7, .n = 65, .k = 9, .residual = true, .rounds = true},
    {.name = "residual behind a table's worth of zero points",
     .m = 5,
     .n = 19,
     .k = 64,
     .type = GemmS8Output::s8,
     .row_zero = true,
     .b_zero = true,
     .row_scale = true,
     .residual = true,
     .activation = ActivationKind::tanh,
     .residual_last = true,
     .rounds = true},
    {.name = "hard swish to floats",
     .m = 13,
     .n = 33,
     .k = 20,
     .type = GemmS8Output::f32,
     .activation = ActivationKind::hard_swish,
     .addend = true},
    {.name = "residual first, then relu, to floats",
     .m = 3,
     .n = 130,
     .k = 20,
     .type = GemmS8Output::f32,
     .residual = true,
     .activation = ActivationKind::relu},
    {.name = "dynamic rows, addend, residual last, to floats",
     .m = 20,
     .n = 40,
     .k = 131,
     .type = GemmS8Output::f32,
     .row_zero = true,
     .row_scale = true,
     .residual = true,
     .activation = ActivationKind::gelu_tanh,
     .residual_last = true,
     .addend = true},
    {.name = "addend and clamp",
     .m = 2,
     .n = 17,
     .k = 5,
     .type = GemmS8Output::f32,
     .addend = true},
};

// Arguments lie on either side of the curve's, and on all of its chords.
const Case kCurveCases[] = {
    {.name = "curve, one row of tails", .m = 1, .n = 77, .k = 30, .curve = true},
    {.name = "curve, signed codes, several panels",
     .m = 14,
     .n = 171,
     .k = 40,
     .type = GemmS8Output::s8,
     .b_zero = true,
     .curve = true},
    {.name = "curve, a vector past whole panels", .m = 9, .n = 144, .k = 70, .curve = true},
    {.name = "curve of one argument", .m = 3, .n = 5, .k = 0, .bias = false, .curve = true},
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

size_t element_bytes(GemmS8Output type) {
  return type == GemmS8Output::u8 || type == GemmS8Output::s8 ? 1 : 4;
}

// C's bytes, of what lies between its rows too.
std::vector<uint8_t> run(const GemmS8Table& table, const Problem& problem, Parallel& parallel) {
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

}  // namespace

namespace {

void check_variants(const Case& c) {
  const GemmS8Table& oracle = *gemm_s8_variants().front().table;
  SerialParallel serial;
  BackwardsParallel backwards;
  CAPTURE(c.name);
  const Problem problem(c);
  const std::vector<uint8_t> expected = run(oracle, problem, serial);
  for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
    const auto token = CpuToken::probe(variant.isa);
    if (!token) continue;
    CAPTURE(isa_name(variant.isa));
    CHECK(select_gemm_s8(*token).isa == variant.isa);
    CHECK((run(*variant.table, problem, serial) == expected));
    CHECK((run(*variant.table, problem, backwards) == expected));
  }
}

// Of sums in double, not yet a code.
double finished(const Problem& problem, size_t m, size_t n) {
  const Case& c = problem.test;
  const GemmS8Args args = problem.args();
  const int32_t a_zero = c.row_zero ? problem.a_row_zero[m] : args.a_zero;
  int64_t sum = problem.bias[n];
  for (size_t k = 0; k < c.k; ++k) {
    const uint8_t code = problem.a[m * args.a_stride + k];
    sum += ((c.a_signed ? static_cast<int8_t>(code) : code) - a_zero) *
           (static_cast<int8_t>(problem.b[k * (c.n + 3) + n]) - (c.b_zero ? problem.b_zero[n] : 0));
  }
  double x = static_cast<double>(sum) * problem.multiplier[n] *
                 (c.row_scale ? problem.row_scale[m] : 1.0F) +
             problem.bias_f32[n];
  const double residual = c.residual ? problem.residual[m * (c.n + 2) + n] : 0.0;
  if (c.addend) x += problem.bias_f32[n];
  if (!c.residual_last) x += residual;
  switch (c.activation) {
    case ActivationKind::silu: x /= 1.0 + std::exp(-x); break;
    case ActivationKind::gelu_erf: x *= 0.5 * (1.0 + std::erf(x / std::sqrt(2.0))); break;
    case ActivationKind::tanh: x = std::tanh(x); break;
    case ActivationKind::gelu_tanh:
      x *= 0.5 * (1.0 + std::tanh(0.7978845608 * (x + 0.044715 * x * x * x)));
      break;
    case ActivationKind::hard_swish: x *= std::clamp(x / 6.0 + 0.5, 0.0, 1.0); break;
    case ActivationKind::relu: x = std::max(x, 0.0); break;
    default: x = std::max(x, c.type == GemmS8Output::f32 ? -10.0 : x); break;
  }
  return c.residual_last ? x + residual : x;
}

}  // namespace

TEST_CASE("gemm_s8: every variant gives the oracle's bytes") {
  for (const Case& c : kCases) check_variants(c);
  for (const Case& c : kFinishedCases) check_variants(c);
  for (const Case& c : kCurveCases) check_variants(c);
}

TEST_CASE("gemm_s8: a curve's codes are those of the chord at the nearest argument") {
  SerialParallel serial;
  for (const Case& c : kCurveCases) {
    CAPTURE(c.name);
    const Problem problem(c);
    const GemmS8Args args = problem.args();
    const std::vector<uint8_t> bytes = run(*gemm_s8_variants().front().table, problem, serial);
    for (size_t m = 0; m < c.m; ++m)
      for (size_t n = 0; n < c.n; ++n) {
        const double value = c.bias ? finished(problem, m, n) : 0.0;
        const double argument = std::clamp(value, 0.0, 65535.0);
        const uint8_t byte = bytes[m * args.c_stride + n];
        const int32_t code = c.type == GemmS8Output::s8 ? static_cast<int8_t>(byte) : byte - 128;
        // A float's rounding may give the argument beside the nearest one.
        double nearest = 256.0;
        for (const double at : {std::floor(argument), std::floor(argument + 1.0)}) {
          if (at > 65535.0 || std::abs(at - argument) > 0.51) continue;
          const CodeCurve::Chord& chord = problem.curve.chords[static_cast<size_t>(at) / 512];
          const double height =
              (chord.start + std::floor(chord.slope * std::fmod(at, 512.0) / 512.0 + 0.5)) / 128.0;
          nearest =
              std::min(nearest, std::abs(std::clamp(std::floor(height), -128.0, 127.0) - code));
        }
        CHECK(nearest == 0.0);
      }
  }
}

TEST_CASE("gemm_s8: the float end is the formula's, in floats and in codes") {
  SerialParallel serial;
  for (const Case& c : kFinishedCases) {
    CAPTURE(c.name);
    const Problem problem(c);
    const GemmS8Args args = problem.args();
    const std::vector<uint8_t> bytes = run(*gemm_s8_variants().front().table, problem, serial);
    for (size_t m = 0; m < c.m; ++m)
      for (size_t n = 0; n < c.n; ++n) {
        const double value = finished(problem, m, n);
        const size_t at = m * args.c_stride + n;
        if (c.type == GemmS8Output::f32) {
          float given = 0.0F;
          std::memcpy(&given, bytes.data() + at * sizeof(float), sizeof(float));
          CHECK(given == doctest::Approx(value).epsilon(1e-5));
          continue;
        }
        const int32_t code =
            c.type == GemmS8Output::s8 ? static_cast<int8_t>(bytes[at]) : bytes[at];
        const double exact = std::clamp(value / args.epilogue.code_scale + args.epilogue.zero_point,
                                        static_cast<double>(args.epilogue.low),
                                        static_cast<double>(args.epilogue.high));
        CHECK(std::abs(code - exact) <= 0.501);
      }
  }
}

TEST_CASE("gemm_s8: codes of 4 bits give the bytes of 8-bit ones in half the memory") {
  const GemmS8Table& oracle = *gemm_s8_variants().front().table;
  SerialParallel serial;
  BackwardsParallel backwards;
  for (const Case& c : kCases) {
    if (c.k == 0) continue;
    CAPTURE(c.name);
    const Problem problem(c, Width::nibbles);
    const std::vector<uint8_t> expected = run(oracle, problem, serial);
    for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
      if (!CpuToken::probe(variant.isa) || variant.table->four_bits == nullptr) continue;
      CAPTURE(isa_name(variant.isa));
      const GemmS8Table& table = *variant.table->four_bits;
      CHECK((run(table, problem, serial) == expected));
      CHECK((run(table, problem, backwards) == expected));
      if (c.k >= 512 && c.n % 16 == 0)
        CHECK(table.packed_bytes(c.k, c.n) < variant.table->packed_bytes(c.k, c.n) * 11 / 20);
    }
  }
}

TEST_CASE("gemm_s8: every pair of extreme codes, rows of every tile") {
  SerialParallel serial;
  for (const uint8_t a : {uint8_t{0}, uint8_t{255}})
    for (const int8_t b : {int8_t{-8}, int8_t{7}})
      for (size_t m = 1; m <= 14; ++m) {
        constexpr size_t kDepth = 531, kColumns = 41;
        const std::vector<uint8_t> left(m * kDepth, a);
        const std::vector<int8_t> right(kDepth * kColumns, b);
        GemmS8Weights weights;
        weights.data = right.data();
        weights.k = kDepth;
        weights.n = kColumns;
        weights.row_stride = kColumns;
        for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
          if (!CpuToken::probe(variant.isa) || variant.table->four_bits == nullptr) continue;
          CAPTURE(isa_name(variant.isa));
          const GemmS8Table& table = *variant.table->four_bits;
          const Block packed(gemm_s8_packed_bytes(table, kDepth, kColumns));
          const Block scratch(gemm_s8_scratch_bytes(table, m, kDepth));
          gemm_s8_pack(table, weights, packed.data.get());
          std::vector<int32_t> sums(m * kColumns);
          GemmS8Args args;
          args.m = m;
          args.n = kColumns;
          args.k = kDepth;
          args.a = left.data();
          args.a_stride = kDepth;
          args.packed = packed.data.get();
          args.c = sums.data();
          args.c_stride = kColumns;
          args.scratch = scratch.data.get();
          gemm_s8(table, args, serial);
          const int32_t expected = a * b * static_cast<int32_t>(kDepth);
          CHECK((sums == std::vector<int32_t>(m * kColumns, expected)));
        }
      }
}

TEST_CASE("gemm_s8: a variant packs 4 bits from its least number of codes on") {
  for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
    if (variant.table->four_bits == nullptr) continue;
    const std::vector<uint8_t> codes(std::max<size_t>(variant.table->four_bits_from, 2), 1);
    GemmS8Weights weights;
    weights.data = codes.data();
    weights.k = codes.size();
    weights.n = 1;
    CHECK(&gemm_s8_packing(*variant.table, weights) == variant.table->four_bits);
    weights.k = variant.table->four_bits_from - 1;
    if (variant.table->four_bits_from > 0)
      CHECK(&gemm_s8_packing(*variant.table, weights) == variant.table);
  }
}

TEST_CASE("gemm_s8: one code past 4 bits is packed as bytes") {
  for (const bool is_unsigned : {false, true}) {
    std::vector<uint8_t> codes(20, 7);
    GemmS8Weights weights;
    weights.data = codes.data();
    weights.is_unsigned = is_unsigned;
    weights.k = 5;
    weights.n = 4;
    weights.row_stride = 4;
    const GemmS8Table& table = *gemm_s8_variants().front().table;
    CHECK(&gemm_s8_packing(table, weights) == table.four_bits);
    for (const int outside : {is_unsigned ? 16 : 8, is_unsigned ? 255 : -9}) {
      codes[19] = static_cast<uint8_t>(outside);
      CHECK(&gemm_s8_packing(table, weights) == &table);
    }
    codes[19] = static_cast<uint8_t>(is_unsigned ? 15 : -8);
    CHECK(&gemm_s8_packing(table, weights) == table.four_bits);
    weights.k = 0;
    CHECK(&gemm_s8_packing(table, weights) == &table);
  }
}

TEST_CASE("gemm_s8: the oracle against plain sums") {
  const Case c{.name = "plain",
               .m = 5,
               .n = 4,
               .k = 9,
               .type = GemmS8Output::s32,
               .b_zero = true,
               .bias = false};
  const Problem problem(c);
  SerialParallel serial;
  const std::vector<uint8_t> bytes = run(*gemm_s8_variants().front().table, problem, serial);
  for (size_t m = 0; m < c.m; ++m)
    for (size_t n = 0; n < c.n; ++n) {
      int64_t sum = 0;
      for (size_t k = 0; k < c.k; ++k)
        sum += (problem.a[m * 14 + k] - 131) *
               (static_cast<int8_t>(problem.b[k * 7 + n]) - problem.b_zero[n]);
      int32_t value = 0;
      std::memcpy(&value, bytes.data() + (m * 6 + n) * 4, 4);
      CHECK(value == sum);
    }
}

TEST_CASE("gemm_s8: the largest K cannot overflow") {
  CHECK(int64_t{kGemmS8MaxK} * 255 * 255 <= INT32_MAX);
  CHECK(int64_t{kGemmS8MaxK + 1} * 255 * 255 > INT32_MAX);
}

namespace {

void check_batches(const Case& c) {
  CAPTURE(c.name);
  SerialParallel serial;
  BackwardsParallel backwards;
  const Problem problem(c);
  const std::vector<uint8_t> one = run(*gemm_s8_variants().front().table, problem, serial);
  for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
    if (!CpuToken::probe(variant.isa)) continue;
    CAPTURE(isa_name(variant.isa));
    for (const size_t batch : {size_t{2}, size_t{5}}) {
      MatMulS8Args args;
      args.gemm = problem.args();
      const std::vector<size_t> zero(batch, 0);
      std::vector<size_t> c_offset;
      for (size_t i = 0; i < batch; ++i) c_offset.push_back(i * c.m * args.gemm.c_stride);
      std::vector<uint8_t> out(batch * one.size(), 0xaa);
      const Block scratch(matmul_s8_scratch_bytes(*variant.table, batch, c.m, c.n, c.k));
      args.b = problem.weights();
      args.a = problem.a.data();
      args.c = out.data();
      args.batch = batch;
      args.a_offset = zero.data();
      args.b_offset = zero.data();
      args.c_offset = c_offset.data();
      args.scratch = scratch.data.get();
      matmul_s8(*variant.table, args, backwards);
      for (size_t i = 0; i < batch; ++i)
        CHECK(std::memcmp(out.data() + i * one.size(), one.data(), one.size()) == 0);
    }
  }
}

const Case kBatchCases[] = {
    {.name = "rows",
     .m = 21,
     .n = 35,
     .k = 64,
     .a_signed = true,
     .type = GemmS8Output::f32,
     .b_zero = true,
     .per_tensor = true},
    {.name = "columns",
     .m = 21,
     .n = 35,
     .k = 64,
     .transposed = true,
     .type = GemmS8Output::u8,
     .b_zero = true,
     .per_tensor = true},
    {.name = "step, rows",
     .m = 1,
     .n = 131,
     .k = 37,
     .type = GemmS8Output::f32,
     .b_zero = true,
     .row_scale = true,
     .per_tensor = true},
    {.name = "step, unsigned rows",
     .m = 2,
     .n = 40,
     .k = 64,
     .a_signed = true,
     .b_unsigned = true,
     .lookup = true,
     .per_tensor = true},
    {.name = "step, columns",
     .m = 1,
     .n = 77,
     .k = 70,
     .a_signed = true,
     .transposed = true,
     .type = GemmS8Output::f32,
     .row_zero = true,
     .b_zero = true,
     .per_tensor = true},
    {.name = "step, unsigned columns",
     .m = 2,
     .n = 9,
     .k = 7,
     .b_unsigned = true,
     .transposed = true,
     .b_zero = true,
     .per_tensor = true},
    {.name = "step, zero a column", .m = 1, .n = 20, .k = 16, .b_zero = true},
    {.name = "step, nothing to sum", .m = 1, .n = 20, .k = 0},
    {.name = "step, worst magnitudes",
     .m = 1,
     .n = 20,
     .k = kGemmS8MaxK,
     .b_unsigned = true,
     .type = GemmS8Output::s32,
     .fill = Fill::extreme,
     .bias = false},
    {.name = "step, worst magnitudes of columns",
     .m = 1,
     .n = 20,
     .k = kGemmS8MaxK,
     .b_unsigned = true,
     .transposed = true,
     .type = GemmS8Output::s32,
     .fill = Fill::extreme,
     .bias = false},
};

}  // namespace

TEST_CASE("matmul_s8: batches with broadcasting, any layout of B, few and many rows") {
  for (const Case& c : kBatchCases) check_batches(c);
}
