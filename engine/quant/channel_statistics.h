#pragma once

#include <map>
#include <vector>

#include "engine/quant/channel_region.h"
#include "engine/quant/quantize.h"

namespace octet::quant {

/// What calibration saw of each channel of a value.
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
};

/// Statistics of values by channel: the flat index over some axes. One pass over the calibration
/// data; memory is five numbers a channel.
class Statistics {
 public:
  /// Asks for a value's channels along `axes`; before collect().
  void want(ValueId value, const std::vector<size_t>& axes) { table_[{value, axes}]; }
  Status collect(const Graph& graph, const Calibrate& calibrate);
  /// Null when nothing was seen (a branch that wasn't run).
  const ChannelStatistics* find(ValueId value, const std::vector<size_t>& axes) const;
  /// Follows scale_region().
  void scale(const ChannelRegion& region, const std::vector<float>& factors);

 private:
  std::map<std::pair<ValueId, std::vector<size_t>>, ChannelStatistics> table_;
};

/// Adds one tensor's elements; fails on what isn't finite.
Status add_channels(ChannelStatistics& statistics, const TensorView& view,
                    const std::vector<size_t>& axes);

}  // namespace octet::quant
