#include "engine/quant/channel_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace octet::quant {
namespace {

// The axes of a view in the order in which they lie in memory.
std::vector<size_t> stored_order(const TensorView& view) {
  std::vector<size_t> order(view.rank());
  std::iota(order.begin(), order.end(), size_t{0});
  if (view.layout == Layout::channels_last && view.rank() > 2)
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

void resize(ChannelStatistics& s, size_t channels) {
  s.low.assign(channels, std::numeric_limits<float>::infinity());
  s.high.assign(channels, -std::numeric_limits<float>::infinity());
  s.sum.assign(channels, 0.0);
  s.squares.assign(channels, 0.0);
}

}  // namespace

Status add_channels(ChannelStatistics& s, const TensorView& view, const std::vector<size_t>& axes) {
  std::vector<size_t> step(view.rank(), 0);  // Of the channel, by logical axis.
  size_t channels = 1;
  for (auto at = axes.rbegin(); at != axes.rend(); ++at) {
    if (*at >= view.rank()) return invalid_data("a sample has fewer axes than the model says");
    step[*at] = channels;
    channels *= static_cast<size_t>(view.dims[*at]);
  }
  if (view.count() == 0) return {};
  if (s.channels() == 0) resize(s, channels);
  if (s.channels() != channels) return invalid_data("samples disagree on the number of channels");
  const auto order = stored_order(view);
  const auto run = order.empty() ? size_t{1} : static_cast<size_t>(view.dims[order.back()]);
  const size_t stride = order.empty() ? 0 : step[order.back()];
  std::vector<int64_t> index(view.rank(), 0);
  const float* at = view.as<float>();
  const float* end = at + view.count();
  for (size_t channel = 0; at != end; at += run) {
    for (size_t i = 0; i < run; ++i) {
      const float v = at[i];
      if (!std::isfinite(v)) return invalid_data("a value is infinite or not a number");
      const size_t c = channel + i * stride;
      s.low[c] = std::min(s.low[c], v);
      s.high[c] = std::max(s.high[c], v);
      s.sum[c] += v;
      s.squares[c] += static_cast<double>(v) * v;
    }
    for (size_t a = order.size(); a-- > 1;) {
      const size_t axis = order[a - 1];
      channel += step[axis];
      if (++index[axis] < view.dims[axis]) break;
      channel -= step[axis] * static_cast<size_t>(view.dims[axis]);
      index[axis] = 0;
    }
  }
  s.count += static_cast<uint64_t>(view.count()) / channels;
  return {};
}

Status Statistics::collect(const Graph& graph, const Calibrate& calibrate) {
  using Entry = decltype(table_)::value_type;
  std::multimap<std::string, Entry*, std::less<>> by_name;
  for (auto& entry : table_) by_name.emplace(graph.value(entry.first.first).name, &entry);
  const auto sink = [&](std::string_view name, const TensorView& view) -> Status {
    if (view.dtype != DType::f32) return {};
    const auto [first, last] = by_name.equal_range(name);
    for (auto at = first; at != last; ++at)
      if (auto status = add_channels(at->second->second, view, at->second->first.second); !status)
        return std::move(status).error().in("calibration: value '" + std::string(name) + "'");
    return {};
  };
  if (auto samples = calibrate(graph, sink); !samples) return std::move(samples).error();
  return {};
}

const ChannelStatistics* Statistics::find(ValueId value, const std::vector<size_t>& axes) const {
  const auto at = table_.find({value, axes});
  return at == table_.end() || at->second.count == 0 ? nullptr : &at->second;
}

void Statistics::scale(const ChannelRegion& region, const std::vector<float>& factors) {
  for (auto& [key, s] : table_) {
    const auto at = region.values.find(key.first);
    if (at == region.values.end() || at->second.axes != key.second || s.count == 0) continue;
    const Channels& channels = at->second;
    for (size_t i = 0; i < region.count * channels.repeat; ++i) {
      const float t = factors[i / channels.repeat];
      const float factor = channels.exponent > 0 ? t : 1.0F / t;
      const size_t c = channels.first + i;
      s.low[c] *= factor;
      s.high[c] *= factor;
      s.sum[c] *= static_cast<double>(factor);
      s.squares[c] *= static_cast<double>(factor) * static_cast<double>(factor);
    }
  }
}

}  // namespace octet::quant
