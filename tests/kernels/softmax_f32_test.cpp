#include "kernels/softmax_f32/softmax_f32.h"

#include <algorithm>

#include "kernels/quantize.h"
#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  size_t outer, axis, inner;
};

const Case kCases[] = {
    {"one", 1, 1, 1},        {"short rows", 50, 3, 1},  {"sixteen", 4, 16, 1},
    {"seventeen", 4, 17, 1}, {"long rows", 3, 1000, 1}, {"many rows", 700, 33, 1},
    {"columns", 2, 9, 5},    {"wide", 3, 20, 150},      {"attention", 12, 65, 1},
};

double truth(const SoftmaxF32Args& args, size_t column_start, size_t at) {
  double sum = 0.0;
  double max = -1e300;
  for (size_t i = 0; i < args.axis; ++i)
    max = std::max(max, static_cast<double>(args.x[column_start + i * args.inner]));
  for (size_t i = 0; i < args.axis; ++i)
    sum += std::exp(static_cast<double>(args.x[column_start + i * args.inner]) - max);
  const double shifted = static_cast<double>(args.x[at]) - max;
  return args.logarithm ? shifted - std::log(sum) : std::exp(shifted) / sum;
}

void check_rows(const SoftmaxF32Args& given, const float* oracle) {
  const size_t size = given.outer * given.axis * given.inner;
  for_each_row(softmax_f32_variants(), select_softmax_f32, [&](const SoftmaxF32Variant& variant) {
    SerialParallel serial;
    SplitParallel split;
    for (Parallel* parallel : {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
      Floats in_place(size + 1, 5.0F);
      std::copy_n(given.x, size, in_place.data());
      SoftmaxF32Args args = given;
      args.x = args.y = in_place.data();
      softmax_f32(*variant.table, args, *parallel);
      // In place, a logarithm's first pass doesn't write, so x is still whole in its second.
      CHECK(first_difference(in_place.data(), oracle, size) == size);
      CHECK(in_place.data()[size] == 5.0F);
    }
  });
}

}  // namespace

TEST_CASE("softmax_f32: near the truth, the same bits on every row, in place") {
  SerialParallel serial;
  for (const Case& c : kCases)
    for (const bool logarithm : {false, true}) {
      CAPTURE(c.name);
      CAPTURE(logarithm);
      const size_t size = c.outer * c.axis * c.inner;
      const std::vector<float> x = random_floats(size, 1, -20.0F, 20.0F);
      Floats oracle(size);
      const SoftmaxF32Args args{x.data(), oracle.data(), c.outer, c.axis, c.inner, logarithm};
      softmax_f32(*softmax_f32_variants()[0].table, args, serial);
      for (size_t i = 0; i < size; ++i) {
        const size_t column = i / (c.axis * c.inner) * c.axis * c.inner + i % c.inner;
        const double expected = truth(args, column, i);
        REQUIRE(std::fabs(static_cast<double>(oracle.data()[i]) - expected) <=
                1e-6 * std::max(1.0, std::fabs(expected)));
      }
      check_rows(args, oracle.data());
    }
}

TEST_CASE("softmax_f32: masked elements give zero, and no finite element gives NaN") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x(4 * 20, -kInfinity);
  x[3] = 1.0F;
  x[7] = 1.0F;
  x[20] = 3e38F;
  x[25] = -3e38F;
  x[61] = NAN;
  Floats oracle(x.size());
  SerialParallel serial;
  const SoftmaxF32Args args{x.data(), oracle.data(), 4, 20, 1, false};
  softmax_f32(*softmax_f32_variants()[0].table, args, serial);
  CHECK(oracle.data()[3] == 0.5F);
  CHECK(oracle.data()[0] == 0.0F);
  CHECK(oracle.data()[20] == 1.0F);
  CHECK(std::isnan(oracle.data()[40]));
  CHECK(std::isnan(oracle.data()[60]));
  check_rows(args, oracle.data());
}

TEST_CASE("softmax_f32: rows a stride apart are as each alone") {
  for (const size_t axis : {1, 7, 16, 17, 32, 48, 64, 131})
    for (const size_t count : {1, 8, 19})
      for (const int addend_step : {-1, 0, 1}) {  // -1: no addend
        CAPTURE(axis);
        CAPTURE(count);
        CAPTURE(addend_step);
        const size_t stride = axis + 2, step = static_cast<size_t>(std::max(addend_step, 0));
        std::vector<float> x = random_floats(count * stride, 6, -9.0F, 9.0F);
        if (count > 8) x[8 * stride] = std::nanf("");
        const std::vector<float> addend = random_floats(count * stride, 7, -2.0F, 2.0F);
        std::vector<float> expected = x;
        for (size_t r = 0; r < count; ++r) {
          float* line = &expected[r * stride];
          for (size_t i = 0; addend_step >= 0 && i < axis; ++i)
            line[i] += addend[r * stride + i * step];
          softmax_f32_variants()[0].table->row(line, line, axis, false);
        }
        for_each_row(softmax_f32_variants(), select_softmax_f32,
                     [&](const SoftmaxF32Variant& variant) {
                       std::vector<float> y = x;
                       SoftmaxCodesArgs args;
                       args.x = y.data();
                       args.x_stride = args.addend_stride = stride;
                       args.addend = addend_step < 0 ? nullptr : addend.data();
                       args.addend_step = step;
                       args.rows = count;
                       args.axis = axis;
                       variant.table->rows(args);
                       CHECK(first_difference(y.data(), expected.data(), y.size()) == y.size());
                     });
      }
}

namespace {

// The softmax in steps of codes, before they are rounded; NaN where there is none.
std::vector<double> exact_steps(const std::vector<float>& scores, float scale) {
  const double max = *std::max_element(scores.begin(), scores.end());
  double sum = 0.0;
  std::vector<double> steps;
  for (const float score : scores) sum += steps.emplace_back(std::exp(score - max));
  for (double& step : steps) step /= sum * static_cast<double>(scale);
  return steps;
}

}  // namespace

TEST_CASE("softmax_f32: codes within a sixteenth of the softmax, the same on every row") {
  struct Rounded {
    const char* name;
    size_t axis;
    CodeRounding rounding;
    int addend_step;  // -1: no addend
    float widest;     // score
  };
  constexpr size_t kRows = 11;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const Rounded& c : {Rounded{"one", 1, {1.0F / 255, 0, 0, 255}, -1, 6.0F},
                           Rounded{"seventeen", 17, {1.0F / 256, 0, 0, 255}, 1, 6.0F},
                           Rounded{"signed", 201, {0.0037F, -128, -128, 127}, -1, 6.0F},
                           Rounded{"one addend a row", 201, {0.0037F, -128, -128, 127}, 0, 6.0F},
                           Rounded{"saturating", 5, {0.001F, 3, 0, 255}, 0, 6.0F},
                           Rounded{"addends", 80, {0.002F, 0, 0, 255}, 1, 6.0F},
                           Rounded{"alike", 144, {0.00003F, 0, 0, 255}, -1, 0.01F},
                           Rounded{"far apart", 64, {1.0F / 255, 0, 0, 255}, -1, 300.0F},
                           Rounded{"limits", 64, {0.002F, 10, 12, 40}, -1, 6.0F}}) {
    CAPTURE(c.name);
    const size_t stride = c.axis + 3;
    std::vector<float> x = random_floats(kRows * stride, 3, -c.widest, c.widest);
    if (c.axis > 1) x[0] = -kInfinity;
    x[4 * stride] = std::nanf("0x1ff");
    std::vector<float> addend = random_floats(kRows * stride, 4, -2.0F, 2.0F);
    if (c.axis > 1) addend[stride + 1] = -kInfinity;
    const auto step = static_cast<size_t>(std::max(c.addend_step, 0));
    SoftmaxCodesArgs args;
    args.x_stride = args.addend_stride = args.y_stride = stride;
    args.addend = c.addend_step < 0 ? nullptr : addend.data();
    args.addend_step = step;
    args.rows = kRows;
    args.axis = c.axis;
    args.rounding = c.rounding;
    const auto codes_by = [&](const SoftmaxF32Table& table) {
      std::vector<float> scores = x;
      std::vector<uint8_t> codes(kRows * stride, 77);
      SoftmaxCodesArgs own = args;
      own.x = scores.data();
      own.y = codes.data();
      table.codes(own);
      return codes;
    };
    const std::vector<uint8_t> codes = codes_by(*softmax_f32_variants()[0].table);
    for (size_t r = 0; r < kRows; ++r) {
      std::vector<float> scores(c.axis);
      for (size_t i = 0; i < c.axis; ++i)
        scores[i] = x[r * stride + i] +
                    (c.addend_step < 0 ? 0.0F : addend[r * args.addend_stride + i * step]);
      const std::vector<double> steps = exact_steps(scores, c.rounding.scale);
      for (size_t i = 0; i < stride; ++i) {
        CAPTURE(r);
        CAPTURE(i);
        const uint8_t byte = codes[r * stride + i];
        if (i >= c.axis) {
          CHECK(byte == 77);
        } else if (r == 4) {
          CHECK(byte == static_cast<uint8_t>(c.rounding.zero_point));
        } else {
          const int code = c.rounding.low < 0 ? static_cast<int8_t>(byte) : byte;
          const double real =
              std::clamp<double>(steps[i] + c.rounding.zero_point, c.rounding.low, c.rounding.high);
          CHECK(std::fabs(code - real) <= 0.5 + 1.0 / 16);
        }
      }
    }
    for_each_row(softmax_f32_variants(), select_softmax_f32, [&](const SoftmaxF32Variant& variant) {
      CHECK((codes_by(*variant.table) == codes));
    });
  }
}

TEST_CASE("softmax_f32: fill where a byte of the mask is set") {
  for (const size_t count : {size_t{1}, size_t{16}, size_t{31}, size_t{100}}) {
    const std::vector<float> x = random_floats(count + 1, 5);
    std::vector<uint8_t> mask(count);
    for (size_t i = 0; i < count; ++i)
      mask[i] = i % 3 == 0 ? 0 : static_cast<uint8_t>(i * 37 % 256);
    for_each_row(softmax_f32_variants(), select_softmax_f32, [&](const SoftmaxF32Variant& variant) {
      std::vector<float> y = x;
      variant.table->fill(y.data(), mask.data(), -1e9F, count);
      for (size_t i = 0; i < count; ++i) CHECK(y[i] == (mask[i] != 0 ? -1e9F : x[i]));
      CHECK(y[count] == x[count]);
    });
  }
}
