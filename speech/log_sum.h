#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace octet::speech {

/// The logarithm of a probability of 0.
inline constexpr double kImpossible = -std::numeric_limits<double>::infinity();

/// log(e^a + e^b).
inline double log_sum(double a, double b) {
  const double larger = std::max(a, b);
  return larger == kImpossible ? larger : larger + std::log1p(std::exp(std::min(a, b) - larger));
}

/// e^x for x <= 0, or up to 1.07 times that; 2^-126 at least. Between powers of 2 it is a line.
inline float exponential_bound(float x) {
  constexpr float kUnit = 0x1p23F;  // Of a float's exponent.
  const float exponent = std::max(x * std::numbers::log2e_v<float>, -126.0F) + 127.0F;
  return std::bit_cast<float>(static_cast<int32_t>(exponent * kUnit));
}

/// The logarithm of x > 0, or up to 0.06 more: log2(1 + m) <= m + 0.0861 for the mantissa's m.
inline float log_bound(float x) {
  const auto bits = static_cast<float>(std::bit_cast<int32_t>(x));
  return (bits * 0x1p-23F - 126.9138F) * std::numbers::ln2_v<float>;
}

}  // namespace octet::speech
