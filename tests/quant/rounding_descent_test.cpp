#include "engine/quant/rounding_descent.h"

#include <thread>

#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;
using namespace octet::quant;

namespace {

// Moments of mixed rows, weights between codes, some of them at the largest code.
RoundingProblem problem_of(size_t outputs, size_t inputs) {
  RoundingProblem problem{outputs, inputs, std::vector<float>(inputs * inputs), {}, {}};
  const size_t rows = 2 * inputs;
  const auto noise = random_tensor({static_cast<int64_t>(rows * inputs)}, 5);
  std::vector<double> x(rows * inputs);
  for (size_t r = 0; r < rows; ++r)
    for (size_t i = 0; i < inputs; ++i)
      for (size_t j = 0; j < 3; ++j)
        x[r * inputs + i] += static_cast<double>(noise.as<float>()[r * inputs + (i + j) % inputs]);
  for (size_t i = 0; i < inputs; ++i)
    for (size_t j = 0; j < inputs; ++j) {
      double sum = 0;
      for (size_t r = 0; r < rows; ++r) sum += x[r * inputs + i] * x[r * inputs + j];
      problem.moments[i * inputs + j] = static_cast<float>(sum / static_cast<double>(rows));
    }
  const auto weights = random_tensor({static_cast<int64_t>(outputs * inputs)}, 6);
  for (const float w : weights.as<float>()) {
    const float real = std::min(std::max(40.0F * w, -127.4F), 127.4F);
    const float code = std::nearbyint(real);
    problem.codes.push_back(static_cast<int8_t>(code));
    problem.errors.push_back(code - real);
  }
  return problem;
}

double error_of(const RoundingProblem& p, size_t output) {
  double sum = 0;
  for (size_t i = 0; i < p.inputs; ++i)
    for (size_t j = 0; j < p.inputs; ++j)
      sum += static_cast<double>(p.errors[output * p.inputs + i]) *
             static_cast<double>(p.errors[output * p.inputs + j]) *
             static_cast<double>(p.moments[i * p.inputs + j]);
  return sum;
}

// Every range on a thread of its own.
class Threads final : public Parallel {
 public:
  size_t width() const override { return 3; }
  void for_ranges(size_t count, size_t grain,
                  FunctionRef<void(size_t begin, size_t end)> body) override {
    std::vector<std::thread> threads;
    for (size_t at = 0; at < count; at += grain)
      threads.emplace_back([=] { body(at, std::min(count, at + grain)); });
    for (std::thread& thread : threads) thread.join();
  }
};

}  // namespace

TEST_CASE(
    "rounding by descent takes neighbours, lowers every output's error, ends where it can't") {
  struct Size {
    size_t outputs;
    size_t inputs;
  };
  for (const Size size : {Size{3, 5}, Size{5, 64}, Size{140, 77}, Size{2, 200}}) {
    CAPTURE(size.outputs);
    CAPTURE(size.inputs);
    const RoundingProblem before = problem_of(size.outputs, size.inputs);
    RoundingProblem after = before;
    while (descend(after, nullptr) > 0) {
    }
    for (size_t i = 0; i < after.codes.size(); ++i) {
      const double real =
          static_cast<double>(before.codes[i]) - static_cast<double>(before.errors[i]);
      CHECK(std::fabs(after.codes[i] - real) < 1.0);
      CHECK(std::abs(after.codes[i]) <= 127);
      CHECK(static_cast<double>(after.errors[i]) == doctest::Approx(after.codes[i] - real));
    }
    double sum = 0;
    double sum_before = 0;
    for (size_t o = 0; o < size.outputs; o += 7) {
      const double reached = error_of(after, o);
      CHECK(reached <= error_of(before, o));
      sum += reached;
      sum_before += error_of(before, o);
      RoundingProblem other = after;
      for (size_t i = 0; i < size.inputs; ++i) {
        float& error = other.errors[o * size.inputs + i];
        const float step = error > 0.0F ? -1.0F : 1.0F;
        if (std::abs(static_cast<float>(after.codes[o * size.inputs + i]) + step) > 127.0F)
          continue;
        error += step;
        CHECK(error_of(other, o) > reached * (1 - 1e-5));
        error -= step;
      }
    }
    if (size.inputs > 32) CHECK(sum < 0.95 * sum_before);
  }
}

TEST_CASE("rounding by descent gives the same codes at any number of threads") {
  RoundingProblem alone = problem_of(300, 130);
  RoundingProblem together = alone;
  Threads threads;
  CHECK(descend(alone, nullptr) == descend(together, &threads));
  CHECK(alone.codes == together.codes);
}
