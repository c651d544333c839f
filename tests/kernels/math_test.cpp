#include "kernels/math/math.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/math/poly.h"

using namespace octet;
using namespace octet::kernels;

namespace {

struct Case {
  const char* name;
  float (*scalar)(float);
  double (*exact)(double);
  MathTable::Function MathTable::*vector;
  float low, high;            // the range whose error is checked
  double relative, absolute;  // the larger of the two bounds holds
};

const Case kCases[] = {
    {"exp", math::exp, [](double x) { return std::exp(x); }, &MathTable::exp, -87.0F, 88.7F, 1.5e-7,
     0},
    {"sigmoid", math::sigmoid, [](double x) { return 1.0 / (1.0 + std::exp(-x)); },
     &MathTable::sigmoid, -100.0F, 100.0F, 0, 1e-7},
    {"tanh", math::tanh, [](double x) { return std::tanh(x); }, &MathTable::tanh, -12.0F, 12.0F,
     3e-7, 0},
    {"log", math::log, [](double x) { return std::log(x); }, &MathTable::log, 1e-6F, 1e4F, 2e-7, 0},
    {"erf", math::erf, [](double x) { return std::erf(x); }, &MathTable::erf, -5.0F, 5.0F, 4e-7, 0},
};

// Bits are the same, or both are NaN.
bool same(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (a != a && b != b);
}

// Every 4099th bit pattern, of either sign, with infinities, NaNs and denormals among them.
std::vector<float> sweep() {
  std::vector<float> values = {0.0F,     -0.0F,     std::numeric_limits<float>::denorm_min(),
                               INFINITY, -INFINITY, NAN};
  for (uint64_t bits = 0; bits <= 0xffffffffU; bits += 4099)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (int i = -200000; i <= 200000; ++i) values.push_back(static_cast<float>(i) * 1e-4F);
  return values;
}

}  // namespace

TEST_CASE("float functions stay within their stated errors") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    double worst = 0;
    for (const float x : sweep()) {
      if (!(x >= c.low && x <= c.high)) continue;
      const double exact = c.exact(x);
      const double error = std::fabs(c.scalar(x) - exact);
      const double bound = std::max({c.relative * std::fabs(exact), c.absolute, 0x1p-149});
      worst = std::max(worst, error / bound);
    }
    CAPTURE(worst);
    CHECK(worst <= 1.0);
  }
}

TEST_CASE("float functions at the ends") {
  CHECK(math::exp(-INFINITY) == 0.0F);
  CHECK(math::exp(INFINITY) == INFINITY);
  CHECK(math::exp(0.0F) == 1.0F);
  CHECK(math::exp(-100.0F) == doctest::Approx(3.78e-44).epsilon(0.02));
  CHECK(math::sigmoid(-INFINITY) == 0.0F);
  CHECK(math::sigmoid(INFINITY) == 1.0F);
  CHECK(math::sigmoid(0.0F) == 0.5F);
  CHECK(math::tanh(INFINITY) == 1.0F);
  CHECK(math::tanh(-INFINITY) == -1.0F);
  CHECK(std::signbit(math::tanh(-0.0F)));
  CHECK(math::erf(-INFINITY) == -1.0F);
  CHECK(math::log(0.0F) == -INFINITY);
  CHECK(math::log(INFINITY) == INFINITY);
  CHECK(math::log(1.0F) == 0.0F);
  CHECK(std::isnan(math::log(-1.0F)));
  for (const Case& c : kCases) CHECK(std::isnan(c.scalar(NAN)));
}

TEST_CASE("vector functions give the scalar bits") {
  const std::vector<float> x = sweep();
  std::vector<float> y(x.size());
  for (const Variant<MathTable>& variant : math_variants()) {
    const auto token = CpuToken::probe(variant.isa);
    if (!token) continue;
    CAPTURE(isa_name(variant.isa));
    CHECK(select_math(*token).isa == variant.isa);
    for (const Case& c : kCases) {
      CAPTURE(c.name);
      (variant.table->*c.vector)(x.data(), y.data(), x.size());
      size_t different = 0;
      for (size_t i = 0; i < x.size(); ++i) different += same(y[i], c.scalar(x[i])) ? 0 : 1;
      CHECK(different == 0);
      for (size_t count = 0; count <= 33; ++count) {
        std::vector<float> tail(count + 1, 7.0F);
        (variant.table->*c.vector)(x.data(), tail.data(), count);
        for (size_t i = 0; i < count; ++i) CHECK(same(tail[i], c.scalar(x[i])));
        CHECK(tail[count] == 7.0F);
      }
    }
  }
}
