#include "engine/quant/calibrators.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace octet;
using quant::Calibrator;
using quant::Observer;
using quant::Range;

namespace {

std::vector<float> normal_numbers(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

Observer observed(const std::vector<float>& values) {
  Observer observer;
  observer.add(values);
  return observer;
}

// The squared error of u8 codes over a range, element by element.
double measured_error(const std::vector<float>& values, Range range) {
  const auto affine = quant::choose_affine(range, DType::u8);
  REQUIRE(affine.ok());
  double sum = 0;
  for (const float v : values) {
    const auto code = quantize<uint8_t>(v, affine->scale, affine->zero_point);
    const double error = static_cast<double>(dequantize(code, affine->scale, affine->zero_point)) -
                         static_cast<double>(v);
    sum += error * error;
  }
  return sum / static_cast<double>(values.size());
}

Range chosen(const Observer& observer, Calibrator calibrator, double percentile = 99.99) {
  return quant::choose_range(observer, {calibrator, percentile}, 256);
}

std::vector<float> with_outliers(std::vector<float> values, std::vector<float> outliers) {
  values.insert(values.end(), outliers.begin(), outliers.end());
  return values;
}

std::vector<float> rectified(std::vector<float> values) {
  for (float& v : values) v = std::max(v, 0.0F);
  return values;
}

const struct {
  const char* name;
  std::vector<float> values;
} kData[] = {
    {"normal", normal_numbers(20000, 1)},
    {"outliers", with_outliers(normal_numbers(20000, 2), {60.0F, -55.0F, 30.0F})},
    {"one-sided", rectified(normal_numbers(20000, 3))},
    {"one-sided outlier", with_outliers(rectified(normal_numbers(20000, 4)), {100.0F})},
    {"two values", {1.0F, -2.0F, 1.0F}},
};

}  // namespace

TEST_CASE("every calibrator's range holds 0 and lies within the extremes") {
  for (const auto& data : kData) {
    const Observer observer = observed(data.values);
    const float low = std::min(0.0F, *std::min_element(data.values.begin(), data.values.end()));
    const float high = std::max(0.0F, *std::max_element(data.values.begin(), data.values.end()));
    for (const auto calibrator : {Calibrator::minmax, Calibrator::moving, Calibrator::percentile,
                                  Calibrator::entropy, Calibrator::mse}) {
      CAPTURE(data.name);
      CAPTURE(static_cast<int>(calibrator));
      const Range range = chosen(observer, calibrator);
      CHECK(range.low <= 0.0F);
      CHECK(range.high >= 0.0F);
      CHECK(range.low >= low);
      CHECK(range.high <= high);
      CHECK(range.low < range.high);
    }
  }
}

TEST_CASE("percentile leaves out the share of elements that it says, to a bin") {
  for (const double percentile : {90.0, 99.0, 99.9}) {
    std::vector<float> values = normal_numbers(20000, 5);
    const Observer observer = observed(values);
    const Range range = chosen(observer, Calibrator::percentile, percentile);
    std::sort(values.begin(), values.end());
    const auto outside = static_cast<size_t>(20000 * (100 - percentile) / 100 / 2);
    const double width = observer.histogram().width();
    CAPTURE(percentile);
    CHECK(static_cast<double>(range.low) <= static_cast<double>(values[outside]));
    CHECK(static_cast<double>(range.low) >= static_cast<double>(values[outside]) - width);
    CHECK(static_cast<double>(range.high) >= static_cast<double>(values[19999 - outside]));
    CHECK(static_cast<double>(range.high) <= static_cast<double>(values[19999 - outside]) + width);
  }
}

TEST_CASE("mse is as good as the best of a fine grid of clips, measured on the elements") {
  for (const auto& data : kData) {
    const Observer observer = observed(data.values);
    const Range extremes = chosen(observer, Calibrator::minmax);
    double best = measured_error(data.values, extremes);
    for (int low = 1; low <= 50; ++low)
      for (int high = 1; high <= 50; ++high)
        best = std::min(
            best, measured_error(data.values, {extremes.low * static_cast<float>(low) / 50.0F,
                                               extremes.high * static_cast<float>(high) / 50.0F}));
    CAPTURE(data.name);
    const Range range = chosen(observer, Calibrator::mse);
    CHECK(measured_error(data.values, range) <= best * 1.03 + 1e-9);
  }
}

TEST_CASE("the histogram's mean squared error is that of the elements") {
  for (const auto& data : kData) {
    if (data.values.size() < 100) continue;
    const Observer observer = observed(data.values);
    for (const float part : {1.0F, 0.5F, 0.1F}) {
      const Range extremes = observer.minmax();
      const Range range{std::min(0.0F, extremes.low * part), extremes.high * part};
      CAPTURE(data.name);
      CAPTURE(part);
      CHECK(quant::mean_squared_error(observer, range, 256) ==
            doctest::Approx(measured_error(data.values, range)).epsilon(0.05));
    }
  }
}

TEST_CASE("entropy keeps a distribution that codes can follow, and clips stray elements") {
  // Every bin alike: rounding is exact, clipping is not.
  std::vector<float> uniform;
  for (int i = 1; i <= 40950; ++i) uniform.push_back(static_cast<float>(i) / 40960.0F);
  CHECK(chosen(observed(uniform), Calibrator::entropy).high > 0.99F);

  const Range clipped = chosen(observed(kData[1].values), Calibrator::entropy);
  CHECK(clipped.high < 30.0F);
  CHECK(clipped.high > 2.0F);
  CHECK(clipped.low > -30.0F);
  CHECK(clipped.low < -2.0F);
  const Range one_sided = chosen(observed(kData[3].values), Calibrator::entropy);
  CHECK(one_sided.low == 0.0F);
  CHECK(one_sided.high < 50.0F);
  CHECK(one_sided.high > 2.0F);
}

TEST_CASE("entropy keeps what lies far from zero") {
  std::vector<float> values = normal_numbers(20000, 6);
  for (float& v : values) v = 5.0F + 0.1F * v;
  CHECK(chosen(observed(values), Calibrator::entropy).high > 5.2F);
  CHECK(chosen(observed(std::vector<float>(1000, 0.75F)), Calibrator::entropy).high == 0.75F);
}

TEST_CASE("scale and zero point of every code type") {
  const struct {
    const char* name;
    Range range;
    DType storage;
    double scale;
    int32_t zero_point;
  } cases[] = {
      {"u8", {-1.0F, 3.0F}, DType::u8, 4.0 / 255, 64},
      {"s8", {-1.0F, 3.0F}, DType::s8, 4.0 / 255, -64},
      {"u16", {-1.0F, 3.0F}, DType::u16, 4.0 / 65535, 16384},
      {"s16", {-1.0F, 3.0F}, DType::s16, 4.0 / 65535, -16384},
      {"above zero", {2.0F, 5.1F}, DType::u8, 5.1 / 255, 0},
      {"below zero", {-5.1F, -2.0F}, DType::u8, 5.1 / 255, 255},
      {"nothing but zeros", {0.0F, 0.0F}, DType::u8, 1.0, 0},
      {"the largest floats", {-1e38F, 2e38F}, DType::u8, 3e38 / 255, 85},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto affine = quant::choose_affine(c.range, c.storage);
    REQUIRE(affine.ok());
    CHECK(static_cast<double>(affine->scale.v) == doctest::Approx(c.scale).epsilon(1e-6));
    CHECK(affine->zero_point.v == c.zero_point);
  }
}

TEST_CASE("ranges without a scale are refused") {
  for (const Range range : {Range{-3e38F, 3e38F}, Range{0.0F, 1e-40F}, Range{-1e-37F, 0.0F}}) {
    CAPTURE(range.low);
    const auto affine = quant::choose_affine(range, DType::u8);
    REQUIRE_FALSE(affine.ok());
    CHECK(affine.error().code == ErrorCode::invalid_data);
    CHECK(affine.error().message.find("scale") != std::string::npos);
  }
}
