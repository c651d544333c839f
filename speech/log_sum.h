#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::speech {

/// The logarithm of a probability of 0.
inline constexpr double kImpossible = -std::numeric_limits<double>::infinity();

/// log(e^a + e^b).
inline double log_sum(double a, double b) {
  const double larger = std::max(a, b);
  return larger == kImpossible ? larger : larger + std::log1p(std::exp(std::min(a, b) - larger));
}

}  // namespace octet::speech
