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

Status ChannelStatistics::add(const TensorView& view, const std::vector<size_t>& axes) {
  std::vector<size_t> step(view.rank(), 0);  // Of the channel, by logical axis.
  size_t all = 1;
  for (auto at = axes.rbegin(); at != axes.rend(); ++at) {
    if (*at >= view.rank()) return invalid_data("a sample has fewer axes than the model says");
    step[*at] = all;
    all *= static_cast<size_t>(view.dims[*at]);
  }
  if (view.count() == 0) return {};
  if (low.empty()) resize(*this, all);
  if (low.size() != all) return invalid_data("samples disagree on the number of channels");
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
      low[c] = std::min(low[c], v);
      high[c] = std::max(high[c], v);
      sum[c] += v;
      squares[c] += static_cast<double>(v) * v;
    }
    for (size_t a = order.size(); a-- > 1;) {
      const size_t axis = order[a - 1];
      channel += step[axis];
      if (++index[axis] < view.dims[axis]) break;
      channel -= step[axis] * static_cast<size_t>(view.dims[axis]);
      index[axis] = 0;
    }
  }
  count += static_cast<uint64_t>(view.count()) / all;
  return {};
}

Status ChannelStatistics::merge(const ChannelStatistics& other) {
  if (other.low.empty()) return {};
  if (low.empty()) {
    *this = other;
    return {};
  }
  if (other.channels() != channels())
    return invalid_data("observations disagree on the number of channels");
  count += other.count;
  for (size_t c = 0; c < channels(); ++c) {
    low[c] = std::min(low[c], other.low[c]);
    high[c] = std::max(high[c], other.high[c]);
    sum[c] += other.sum[c];
    squares[c] += other.squares[c];
  }
  return {};
}

void ChannelStatistics::scale(size_t first, const std::vector<float>& factors) {
  if (first + factors.size() > channels()) return;
  for (size_t i = 0; i < factors.size(); ++i) {
    const auto factor = static_cast<double>(factors[i]);
    low[first + i] *= factors[i];
    high[first + i] *= factors[i];
    sum[first + i] *= factor;
    squares[first + i] *= factor * factor;
  }
}

}  // namespace octet::quant
