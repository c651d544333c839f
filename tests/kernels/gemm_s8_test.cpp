#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "tests/kernels/gemm_s8_problem.h"

namespace octet::testing {
namespace {

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

}  // namespace
}  // namespace octet::testing
