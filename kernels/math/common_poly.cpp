#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/math/poly.h"

namespace octet::kernels::math {
namespace {

// c[0] + c[1] x + ... by Horner's rule.
template <size_t N>
float horner(const float (&c)[N], float x) {
  float sum = c[N - 1];
  for (size_t i = N - 1; i-- > 0;) sum = std::fma(sum, x, c[i]);
  return sum;
}

float power_of_two(int32_t n) { return std::bit_cast<float>((n + 127) << 23); }

// x = n ln2 + r; gives e^r - 1 and n.
float reduced_expm1(float x, int32_t& n) {
  const float whole = std::nearbyint(x * kLog2E);
  n = static_cast<int32_t>(whole);
  float r = std::fma(whole, -kLn2High, x);
  r = std::fma(whole, -kLn2Low, r);
  return std::fma(horner(kExp, r), r * r, r);
}

}  // namespace

float exp(float x) {
  if (std::isnan(x)) return x;
  int32_t n = 0;
  const float p = reduced_expm1(x < kExpLow ? kExpLow : (x > kExpHigh ? kExpHigh : x), n) + 1.0F;
  const int32_t half = n >> 1;
  return p * power_of_two(half) * power_of_two(n - half);
}

float sigmoid(float x) { return 1.0F / (1.0F + exp(-x)); }

float tanh(float x) {
  if (std::isnan(x)) return x;
  const float magnitude = std::fabs(x) > kTanhHigh ? kTanhHigh : std::fabs(x);
  int32_t n = 0;
  const float p = reduced_expm1(magnitude + magnitude, n);
  const float scale = power_of_two(n);
  const float e = std::fma(scale, p, scale - 1.0F);
  return std::copysign(e / (e + 2.0F), x);
}

float log(float x) {
  if (std::isnan(x) || x < 0.0F) return std::numeric_limits<float>::quiet_NaN();
  if (x == 0.0F) return -std::numeric_limits<float>::infinity();
  if (std::isinf(x)) return x;
  const bool denormal = x < 0x1p-126F;
  const int32_t bits = std::bit_cast<int32_t>(denormal ? x * 0x1p+23F : x) - kLogSplit;
  const auto e = static_cast<float>((bits >> 23) - (denormal ? 23 : 0));
  const float f = std::bit_cast<float>((bits & 0x7fffff) + kLogSplit) - 1.0F;
  const float f2 = f * f;
  float sum = std::fma(e, kLn2Low, (f * f2) * horner(kLog, f));
  sum = std::fma(f2, -0.5F, sum) + f;
  return std::fma(e, kLn2High, sum);
}

float erf(float x) {
  if (std::isnan(x)) return x;
  const float magnitude = std::fabs(x) > kErfHigh ? kErfHigh : std::fabs(x);
  const float square = magnitude * magnitude;
  const float value = (magnitude * horner(kErfP, square)) / horner(kErfQ, square);
  return std::copysign(value > 1.0F ? 1.0F : value, x);
}

}  // namespace octet::kernels::math
