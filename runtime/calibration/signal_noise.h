#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace octet::runtime {

/// How far one tensor is from another, over all samples added.
struct SignalNoise {
  /// The SQNR of equal tensors, in dB; of tensors that differ by something infinite, its negative.
  static constexpr double kExact = 200.0;

  double signal = 0;
  double other = 0;
  double noise = 0;
  double product = 0;
  double largest = 0;

  /// Elements that are infinite or not a number in both alike don't count.
  void add(std::span<const float> a, std::span<const float> b) {
    for (size_t i = 0; i < a.size(); ++i) {
      const double x = a[i];
      const double y = b[i];
      if (!std::isfinite(x) && (x == y || (std::isnan(x) && std::isnan(y)))) continue;
      signal += x * x;
      other += y * y;
      noise += (x - y) * (x - y);
      product += x * y;
      largest = std::max(largest, std::fabs(x - y));
    }
  }
  /// Signal over quantization noise in dB: 10 log10(sum x^2 / sum (x - y)^2).
  double sqnr() const {
    if (!std::isfinite(noise)) return -kExact;
    return noise == 0 ? kExact : 10 * std::log10(std::max(signal, 1e-300) / noise);
  }
  double cosine() const {
    return signal == 0 || other == 0 ? (signal == other ? 1.0 : 0.0)
                                     : product / std::sqrt(signal * other);
  }
};

}  // namespace octet::runtime
