#include "kernels/reduce_f32/reduce_f32.h"

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
    {"one", 1, 1, 1},         {"short rows", 50, 3, 1},    {"seventeen", 4, 17, 1},
    {"long rows", 3, 999, 1}, {"columns", 2, 9, 5},        {"wide", 3, 20, 350},
    {"empty axis", 3, 0, 1},  {"empty columns", 2, 0, 20},
};

constexpr ReduceF32 kFunctions[] = {ReduceF32::sum, ReduceF32::mean, ReduceF32::max,
                                    ReduceF32::min, ReduceF32::prod, ReduceF32::sum_square,
                                    ReduceF32::l1,  ReduceF32::l2,   ReduceF32::log_sum};

double truth(const ReduceF32Args& args, size_t start) {
  double sum = 0.0, magnitude = 0.0, squares = 0.0, product = 1.0;
  double high = -std::numeric_limits<double>::infinity();
  double low = -high;
  for (size_t i = 0; i < args.axis; ++i) {
    const auto x = static_cast<double>(args.x[start + i * args.inner]);
    sum += x;
    magnitude += std::fabs(x);
    squares += x * x;
    product *= x;
    high = std::max(high, x);
    low = std::min(low, x);
  }
  switch (args.function) {
    case ReduceF32::sum: return sum;
    case ReduceF32::mean: return sum / static_cast<double>(args.axis);
    case ReduceF32::max: return high;
    case ReduceF32::min: return low;
    case ReduceF32::prod: return product;
    case ReduceF32::sum_square: return squares;
    case ReduceF32::l1: return magnitude;
    case ReduceF32::l2: return std::sqrt(squares);
    case ReduceF32::log_sum: return std::log(sum);
  }
  return sum;
}

bool near(double value, double expected) {
  if (std::isnan(expected)) return std::isnan(value);
  if (std::isinf(expected)) return value == expected;
  return std::fabs(value - expected) <= 1e-5 * std::max(1.0, std::fabs(expected));
}

void check_rows(const ReduceF32Args& given, const float* oracle) {
  const size_t size = given.outer * given.inner;
  for_each_row(reduce_f32_variants(), select_reduce_f32, [&](const ReduceF32Variant& variant) {
    SerialParallel serial;
    SplitParallel split;
    for (Parallel* parallel : {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
      Floats y(size + 1, 5.0F);
      ReduceF32Args args = given;
      args.y = y.data();
      reduce_f32(*variant.table, args, *parallel);
      CHECK(first_difference(y.data(), oracle, size) == size);
      CHECK(y.data()[size] == 5.0F);
    }
  });
}

}  // namespace

TEST_CASE("reduce_f32: near the truth, the same bits on every row") {
  SerialParallel serial;
  for (const Case& c : kCases)
    for (const ReduceF32 function : kFunctions) {
      CAPTURE(c.name);
      CAPTURE(static_cast<int>(function));
      const std::vector<float> x = random_floats(c.outer * c.axis * c.inner + 1, 1, -0.9F, 1.1F);
      Floats oracle(c.outer * c.inner);
      const ReduceF32Args args{function, x.data(), oracle.data(), c.outer, c.axis, c.inner};
      reduce_f32(*reduce_f32_variants()[0].table, args, serial);
      for (size_t i = 0; i < c.outer * c.inner; ++i)
        REQUIRE(near(static_cast<double>(oracle.data()[i]),
                     truth(args, i / c.inner * c.axis * c.inner + i % c.inner)));
      check_rows(args, oracle.data());
    }
}

TEST_CASE("reduce_f32: NaN anywhere reaches max and min") {
  SerialParallel serial;
  for (const ReduceF32 function : {ReduceF32::max, ReduceF32::min})
    for (const size_t inner : {size_t{1}, size_t{3}})
      for (size_t at = 0; at < 40; ++at) {
        std::vector<float> x = random_floats(40 * inner, 1);
        x[at * inner] = NAN;
        Floats oracle(inner);
        const ReduceF32Args args{function, x.data(), oracle.data(), 1, 40, inner};
        reduce_f32(*reduce_f32_variants()[0].table, args, serial);
        CHECK(std::isnan(oracle.data()[0]));
        check_rows(args, oracle.data());
      }
}
