#include "engine/quant/weights.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/quantize.h"

using namespace octet;

namespace {

std::vector<float> numbers(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 0.1F);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

// Squared error of one channel's codes from -127 to 127, one element after the other.
double error_at(const std::vector<float>& channel, double scale) {
  double sum = 0;
  for (const float v : channel) {
    const double code = std::clamp(std::nearbyint(static_cast<double>(v) / scale), -127.0, 127.0);
    sum += std::pow(code * scale - static_cast<double>(v), 2);
  }
  return sum;
}

std::vector<float> channel_of(const Tensor& weights, size_t axis, size_t channel) {
  size_t inner = 1;
  for (size_t i = axis + 1; i < weights.rank(); ++i)
    inner *= static_cast<size_t>(weights.dims()[i]);
  const auto extent = static_cast<size_t>(weights.dims()[axis]);
  std::vector<float> values;
  for (size_t i = 0; i < weights.count(); ++i)
    if (i / inner % extent == channel) values.push_back(weights.as<float>()[i]);
  return values;
}

float largest(const std::vector<float>& values) {
  float most = 0;
  for (const float v : values) most = std::max(most, std::fabs(v));
  return most;
}

}  // namespace

TEST_CASE("each channel's scale is as good as the best of clips at 50%, 52% … 100%") {
  const struct {
    const char* name;
    Dims dims;
    size_t axis;
  } cases[] = {{"columns", {50, 12}, 1},
               {"rows", {12, 50}, 0},
               {"filters", {6, 5, 3, 3}, 0},
               {"middle axis", {2, 7, 9}, 1}};
  for (const auto& c : cases) {
    auto values = numbers(static_cast<size_t>(*checked_count(c.dims)), 3);
    values[7] = 3.0F;  // A stray weight: its channel is better clipped.
    const Tensor weights = Tensor::of(c.dims, values);
    const auto scales = quant::weight_scales(weights, static_cast<int>(c.axis));
    REQUIRE(scales.ok());
    REQUIRE(scales->size() == static_cast<size_t>(c.dims[c.axis]));
    for (size_t i = 0; i < scales->size(); ++i) {
      const auto channel = channel_of(weights, c.axis, i);
      const double whole = static_cast<double>(largest(channel)) / 127;
      const double got = error_at(channel, static_cast<double>((*scales)[i]));
      double best = error_at(channel, whole);
      for (int percent = 50; percent < 100; percent += 2)
        best = std::min(best, error_at(channel, whole * percent / 100));
      CAPTURE(c.name);
      CAPTURE(i);
      CHECK(got <= error_at(channel, whole) * 1.0001);
      CHECK(got <= best * 1.001 + 1e-12);
    }
  }
}

TEST_CASE("weights on a grid keep it, channels of zeros get scale 1") {
  std::vector<float> values;
  for (int i = -127; i <= 127; ++i) values.push_back(static_cast<float>(i) * 0.25F);
  values.resize(510, 0.0F);
  const auto scales = quant::weight_scales(Tensor::of(Dims{2, 255}, values), 0);
  REQUIRE(scales.ok());
  CHECK((*scales)[0] == 0.25F);
  CHECK((*scales)[1] == 1.0F);
}

TEST_CASE("codes are the nearest of their scale, within -127 and 127") {
  const Tensor weights = Tensor::of(Dims{40, 8}, numbers(320, 9));
  for (const int axis : {0, 1, -1}) {
    const auto quantized = quant::quantize_weights(weights, axis);
    REQUIRE(quantized.ok());
    const auto codes = quantized->codes.as<int8_t>();
    const auto scales = quantized->quant->scale.to_float();
    for (size_t i = 0; i < 320; ++i) {
      const size_t c = axis == 0 ? i / 8 : (axis == 1 ? i % 8 : 0);
      const float want = std::nearbyint(weights.as<float>()[i] / scales[c]);
      CHECK(static_cast<float>(codes[i]) == std::clamp(want, -127.0F, 127.0F));
    }
  }
}

TEST_CASE("weights that aren't finite are refused") {
  for (const float bad : {NAN, INFINITY})
    CHECK_FALSE(quant::weight_scales(Tensor::of(Dims{2}, std::vector{1.0F, bad}), 0).ok());
}
