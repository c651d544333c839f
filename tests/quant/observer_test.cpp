#include "engine/quant/observer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace octet;
using quant::Histogram;
using quant::Observer;

namespace {

std::vector<float> numbers(size_t count, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, deviation);
  std::vector<float> values(count);
  for (float& v : values) v = random() % 8 == 0 ? 0.0F : normal(random);
  return values;
}

Observer observed(const std::vector<std::vector<float>>& samples) {
  Observer observer;
  for (const auto& sample : samples) observer.add(sample);
  return observer;
}

void check_equal(const Observer& a, const Observer& b) {
  CHECK(a.histogram() == b.histogram());
  CHECK(a.minmax().low == b.minmax().low);
  CHECK(a.minmax().high == b.minmax().high);
  CHECK(a.count() == b.count());
  CHECK(a.samples() == b.samples());
  CHECK(a.moving().low == doctest::Approx(b.moving().low).epsilon(1e-6));
  CHECK(a.moving().high == doctest::Approx(b.moving().high).epsilon(1e-6));
}

// Samples of very different sizes and ranges, so that every order widens differently.
const std::vector<std::vector<float>> kSamples = {
    numbers(1000, 1e-3F, 1), numbers(17, 40.0F, 2), {0.0F, 0.0F}, numbers(333, 1.0F, 3),
    {-64.0F, 64.0F},         numbers(5, 3e-20F, 4), {1.0F},       numbers(2000, 0.5F, 5)};

}  // namespace

TEST_CASE("bins hold what a count over the final range gives") {
  const Observer observer = observed(kSamples);
  const Histogram& histogram = observer.histogram();
  double largest = 0;
  uint64_t zeros = 0;
  for (const auto& sample : kSamples)
    for (const float v : sample) largest = std::max(largest, std::fabs(static_cast<double>(v)));
  const double limit = std::exp2(std::floor(std::log2(largest)) + 1);
  const double width = 2 * limit / static_cast<double>(Histogram::kBins);
  std::vector<uint64_t> want(Histogram::kBins, 0);
  for (const auto& sample : kSamples) {
    for (const float v : sample) {
      if (v == 0.0F)
        ++zeros;
      else
        ++want[static_cast<size_t>(std::floor((static_cast<double>(v) + limit) / width))];
    }
  }
  CHECK(histogram.width() == width);
  CHECK(histogram.edge(0) == -limit);
  CHECK(histogram.zeros() == zeros);
  CHECK(std::equal(want.begin(), want.end(), histogram.bins().begin(), histogram.bins().end()));
}

TEST_CASE("observers don't depend on the order of samples") {
  std::vector<std::vector<float>> samples = kSamples;
  const Observer first = observed(samples);
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(samples.begin(), samples.end(), random);
    check_equal(first, observed(samples));
  }
}

TEST_CASE("merged observers equal one that saw everything, wherever the samples are cut") {
  const Observer whole = observed(kSamples);
  for (size_t cut = 0; cut <= kSamples.size(); ++cut) {
    CAPTURE(cut);
    const auto middle = kSamples.begin() + static_cast<std::ptrdiff_t>(cut);
    Observer front = observed({kSamples.begin(), middle});
    const Observer back = observed({middle, kSamples.end()});
    Observer reversed = back;
    reversed.merge(front);
    front.merge(back);
    check_equal(front, whole);
    check_equal(reversed, whole);
  }
}

TEST_CASE("the moving range is the mean of each sample's extremes") {
  const Observer observer = observed({{-1.0F, 2.0F, 0.5F}, {-3.0F, 1.0F}, {0.0F, 9.0F}});
  CHECK(observer.moving().low == doctest::Approx(-4.0 / 3));
  CHECK(observer.moving().high == doctest::Approx(4.0));
}

TEST_CASE("numbers at the ends of what floats hold have a bin") {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const float huge = std::numeric_limits<float>::max();
  Observer observer = observed({{tiny, -tiny}});
  CHECK(observer.histogram().bins()[Histogram::kBins / 2] == 1);
  CHECK(observer.histogram().bins()[Histogram::kBins / 2 - 1] == 1);
  observer.add(std::vector<float>{huge, -huge});
  CHECK(observer.histogram().bins()[Histogram::kBins - 1] == 1);
  CHECK(observer.histogram().bins()[0] == 1);
  CHECK(observer.histogram().bins()[Histogram::kBins / 2] == 1);
  CHECK(observer.histogram().bins()[Histogram::kBins / 2 - 1] == 1);
}

TEST_CASE("a sample with something infinite or not a number is noticed and left out") {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Observer observer = observed({{1.0F, 2.0F}});
    observer.add(std::vector<float>{5.0F, bad});
    CHECK_FALSE(observer.finite());
    CHECK(observer.minmax().high == 2.0F);
    CHECK(observer.count() == 2);
  }
}
