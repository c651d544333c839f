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

/// e^x for x <= 0, within 1e-7 of its size; 0 below -87. Loops of it are vectorized.
inline float exponential(float x) {
  constexpr float kRound = 0x1.8p23F;         // Added, rounds to whole numbers in the last bits.
  constexpr float kLn2High = 0x1.62ep-1F;     // Times a power's exponent, it is exact.
  constexpr float kLn2Low = 0x1.0bfbe8p-15F;  // What is left of log 2.
  const float rounded = x * std::numbers::log2e_v<float> + kRound;
  const float power = rounded - kRound;
  const float r = (x - power * kLn2High) - power * kLn2Low;  // At most half of log 2.
  // The power series, its last terms fitted to that range.
  float series = 1.3863739e-3F;
  series = series * r + 8.3674816e-3F;
  series = series * r + 4.1667238e-2F;
  series = series * r + 1.6666535e-1F;
  series = series * r + 0.5F;
  series = series * (r * r) + r + 1.0F;
  // Without signs: far below -87 the sum, which isn't kept, wraps around.
  const uint32_t exponent = std::bit_cast<uint32_t>(rounded) - std::bit_cast<uint32_t>(kRound);
  const uint32_t kept = 0U - static_cast<uint32_t>(x >= -87.0F);  // All bits, or none.
  return std::bit_cast<float>((std::bit_cast<uint32_t>(series) + (exponent << 23U)) & kept);
}

/// The logarithm of x > 0, or up to 0.06 more: log2(1 + m) <= m + 0.0861 for the mantissa's m.
inline float log_bound(float x) {
  const auto bits = static_cast<float>(std::bit_cast<int32_t>(x));
  return (bits * 0x1p-23F - 126.9138F) * std::numbers::ln2_v<float>;
}

}  // namespace octet::speech
