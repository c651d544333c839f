#include "kernels/fourier_f64/fourier_f64.h"

#include <numbers>

#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  size_t length;
  std::vector<size_t> radices;
};

const Case kCases[] = {{1, {}},
                       {2, {2}},
                       {3, {3}},
                       {4, {4}},
                       {8, {4, 2}},
                       {8, {8}},
                       {12, {4, 3}},
                       {45, {3, 3, 5}},
                       {64, {4, 4, 4}},
                       {77, {7, 11}},
                       {400, {4, 4, 5, 5}},
                       {96, {3, 4, 8}},
                       {512, {4, 4, 4, 4, 2}},
                       {512, {4, 4, 4, 8}}};

std::vector<double> roots_of(size_t length, double turn) {
  std::vector<double> roots;
  for (size_t k = 0; k < length; ++k) {
    const double angle =
        turn * 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(length);
    roots.push_back(std::cos(angle));
    roots.push_back(std::sin(angle));
  }
  return roots;
}

// Cells, aligned.
struct alignas(64) Cell {
  double parts[kFourierCell];
};
using Cells = std::vector<Cell>;

double* data(Cells& cells) { return cells[0].parts; }

// Of one lane, point k, as it is defined.
std::pair<double, double> truth(const Cells& x, const std::vector<double>& roots, size_t lane,
                                size_t k) {
  double re = 0, im = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t at = i * k % x.size() * 2;
    const double a = x[i].parts[lane], b = x[i].parts[kFourierLanes + lane];
    re += a * roots[at] - b * roots[at + 1];
    im += a * roots[at + 1] + b * roots[at];
  }
  return {re, im};
}

}  // namespace

TEST_CASE("fourier_f64: near the definition, the same bits on every row") {
  for (const Case& c : kCases)
    for (const double turn : {-1.0, 1.0}) {
      CAPTURE(c.length);
      CAPTURE(turn);
      const std::vector<double> roots = roots_of(c.length, turn);
      const FourierF64Plan plan{c.length, roots.data(), c.radices.data(), turn};
      const std::vector<float> noise = random_floats(c.length * kFourierCell, 3);
      Cells x(c.length), oracle(c.length), scratch(c.length);
      for (size_t i = 0; i < noise.size(); ++i)
        x[i / kFourierCell].parts[i % kFourierCell] = static_cast<double>(noise[i]);
      fourier_f64_variants()[0].table->transform(plan, data(x), data(oracle), data(scratch));
      for (size_t k = 0; k < c.length; ++k)
        for (size_t lane = 0; lane < kFourierLanes; ++lane) {
          const auto [re, im] = truth(x, roots, lane, k);
          REQUIRE(std::fabs(oracle[k].parts[lane] - re) < 1e-12 * static_cast<double>(c.length));
          REQUIRE(std::fabs(oracle[k].parts[kFourierLanes + lane] - im) <
                  1e-12 * static_cast<double>(c.length));
        }
      for_each_row(fourier_f64_variants(), select_fourier_f64,
                   [&](const FourierF64Variant& variant) {
                     Cells y(c.length);
                     variant.table->transform(plan, data(x), data(y), data(scratch));
                     CHECK(std::memcmp(y.data(), oracle.data(), c.length * sizeof(Cell)) == 0);
                   });
    }
}

TEST_CASE("fourier_f64: pairs of real frames come out as each alone") {
  constexpr size_t kFrames = 2 * kFourierLanes;
  for (const Case& c : kCases) {
    CAPTURE(c.length);
    const size_t step = c.length / 2 + 1, bins = c.length / 2 + 1, row = 2 * bins + 3;
    const std::vector<double> roots = roots_of(c.length, -1);
    const FourierF64Plan plan{c.length, roots.data(), c.radices.data(), -1};
    const std::vector<float> x = random_floats(step * (kFrames - 1) + c.length, 7);
    const std::vector<float> window = random_floats(c.length, 8);
    std::vector<float> oracle;
    for_each_row(fourier_f64_variants(), select_fourier_f64, [&](const FourierF64Variant& variant) {
      Cells cells(c.length), points(c.length), scratch(c.length);
      std::vector<float> y(kFrames * row, 5.0F);
      variant.table->load_pairs(x.data(), step, window.data(), c.length, data(cells));
      variant.table->transform(plan, data(cells), data(points), data(scratch));
      variant.table->store_pairs(data(points), c.length, bins, y.data(), row);
      if (oracle.empty()) oracle = y;
      CHECK(first_difference(y.data(), oracle.data(), y.size()) == y.size());
    });
    for (size_t f = 0; f < kFrames; ++f) {
      Cells alone(c.length);
      for (size_t i = 0; i < c.length; ++i)
        alone[i].parts[0] = static_cast<double>(x[f * step + i]) * static_cast<double>(window[i]);
      for (size_t k = 0; k < bins; ++k) {
        const auto [re, im] = truth(alone, roots, 0, k);
        REQUIRE(oracle[f * row + 2 * k] == doctest::Approx(re).epsilon(1e-5));
        REQUIRE(oracle[f * row + 2 * k + 1] == doctest::Approx(im).epsilon(1e-5));
      }
      for (size_t i = 2 * bins; i < row; ++i) REQUIRE(oracle[f * row + i] == 5.0F);
    }
  }
}
