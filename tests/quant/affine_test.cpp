#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <vector>

#include "engine/quant/calibrators.h"

using namespace octet;

namespace {

// A textbook exercise: the 8-bit affine codes of an 8x8 tensor (case 1) and of its first sixteen
// values (case 0), scale from the tensor's minimum and maximum.
constexpr float kValues[] = {
    -0.2527987F, 1.4072133F,  0.2910496F,  1.0364678F,  -0.9815582F, -3.4219091F, 1.4910334F,
    0.2422087F,  1.4831994F,  -0.370365F,  0.0941133F,  2.1528118F,  0.6270559F,  -1.1665958F,
    -0.7862484F, 0.075932F,   -0.0086226F, -0.6568094F, -1.001138F,  0.2991512F,  0.6395756F,
    -1.085651F,  -1.6153234F, 1.5634587F,  -1.7951857F, 0.6095354F,  -0.7203016F, 0.6119257F,
    0.3258954F,  -1.6059141F, -0.5272387F, 0.3400645F,  -1.3832223F, 1.1149174F,  -0.7776F,
    0.2737631F,  0.9146955F,  -1.1896304F, -0.7500902F, -1.5465435F, 1.004409F,   -0.0985603F,
    1.396193F,   -0.9138483F, -1.1788335F, -0.6680702F, -0.3167555F, 0.9893192F,  0.2216022F,
    1.6330602F,  1.0747436F,  1.7402107F,  0.085668F,   0.3393675F,  0.9895439F,  1.1944443F,
    -0.4008338F, -0.6277983F, 1.9198028F,  1.3002799F,  0.0242983F,  0.3855928F,  1.4923918F,
    -0.9468124F};
constexpr int kCodesAt156[] = {144, 220, 169, 203, 111, 0,   224, 167, 224, 139, 160, 254, 185,
                               103, 120, 159, 156, 126, 110, 170, 185, 106, 82,  228, 74,  184,
                               123, 184, 171, 83,  132, 172, 93,  207, 120, 169, 198, 102, 122,
                               85,  202, 151, 220, 114, 102, 125, 142, 201, 166, 231, 205, 236,
                               160, 172, 201, 211, 138, 127, 244, 215, 157, 174, 224, 113};
constexpr float kScale = 0.02186165005F;

struct Errors {
  double mean = 0;
  double largest = 0;
};

Errors errors(std::span<const float> values, ZeroPoint zero_point) {
  Errors e;
  for (const float x : values) {
    const auto code = quantize<uint8_t>(x, {kScale}, zero_point);
    const double error = std::fabs(static_cast<double>(dequantize(code, {kScale}, zero_point)) -
                                   static_cast<double>(x));
    e.mean += error / static_cast<double>(values.size());
    e.largest = std::max(e.largest, error);
  }
  return e;
}

}  // namespace

TEST_CASE("scale and zero point follow from the range, the zero point rounded as ONNX does") {
  quant::Observer observer;
  observer.add(kValues);
  const auto affine = quant::choose_affine(observer.minmax(), DType::u8);
  REQUIRE(affine.ok());
  CHECK(affine->scale.v == doctest::Approx(kScale).epsilon(1e-6));
  CHECK(affine->zero_point.v == 157);
}

TEST_CASE("codes of the affine exercise at the truncated zero point") {
  for (size_t i = 0; i < std::size(kValues); ++i)
    CHECK(static_cast<int>(quantize<uint8_t>(kValues[i], {kScale}, {156})) == kCodesAt156[i]);
}

TEST_CASE("errors of the affine exercise, in both conventions for the zero point") {
  const std::span<const float> all(kValues);
  const struct {
    const char* name;
    std::span<const float> values;
    ZeroPoint zero_point;
    double mean, largest;
  } cases[] = {
      {"truncated, case 0", all.first(16), {156}, 0.00631236, 0.01149178},
      {"truncated, case 1", all, {156}, 0.00586086, 0.01149178},
      {"nearest even, case 0", all.first(16), {157}, 0.00624225, 0.01037002},
      {"nearest even, case 1", all, {157}, 0.00584334, 0.0107479},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const Errors e = errors(c.values, c.zero_point);
    CHECK(e.mean == doctest::Approx(c.mean).epsilon(1e-4));
    CHECK(e.largest == doctest::Approx(c.largest).epsilon(1e-4));
  }
}

TEST_CASE("an observer's histogram stays exact in count while its range doubles") {
  quant::Observer observer;
  observer.add(std::vector<float>(1000, 0.5F));
  observer.add(std::vector<float>{64.0F});
  const quant::Range clipped = quant::percentile_range(observer, 99.0);
  CHECK(clipped.high < 1.0F);
  CHECK(clipped.high >= 0.5F);
  CHECK(observer.minmax().high == 64.0F);
}

TEST_CASE("a value that is not a number is noticed") {
  quant::Observer observer;
  observer.add(std::vector<float>{1.0F, NAN});
  CHECK_FALSE(observer.finite());
}
