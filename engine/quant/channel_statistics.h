#pragma once

#include <algorithm>
#include <vector>

#include "engine/ops/step.h"

namespace octet::quant {

/// What calibration saw of each channel of a value, five numbers a channel. A channel is the flat
/// index over some axes, the first one outermost.
struct ChannelStatistics {
  std::vector<float> low;
  std::vector<float> high;
  std::vector<double> sum;
  std::vector<double> squares;
  uint64_t count = 0;  ///< Elements a channel.

  size_t channels() const { return low.size(); }
  double mean(size_t c) const { return sum[c] / static_cast<double>(count); }
  double power(size_t c) const { return squares[c] / static_cast<double>(count); }
  float magnitude(size_t c) const { return std::max(-low[c], high[c]); }

  /// Adds a tensor's elements, in any layout; fails on what isn't finite.
  Status add(const TensorView& view, const std::vector<size_t>& axes);
  /// As if `other`'s elements had been added here, but for the order of sums.
  Status merge(const ChannelStatistics& other);
  /// As if channel first + i had been multiplied by factors[i] before; nothing where there are no
  /// such channels.
  void scale(size_t first, const std::vector<float>& factors);
};

}  // namespace octet::quant
