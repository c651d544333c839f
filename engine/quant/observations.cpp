#include "engine/quant/observations.h"

#include <algorithm>

namespace octet::quant {
void Observations::want_range(const std::string& value) {
  auto& range = values_[value].range;
  if (!range) range.emplace();
}

void Observations::want_channels(const std::string& value, const std::vector<size_t>& axes) {
  values_[value].channels.try_emplace(axes);
}

Status Observations::add(std::string_view value, const TensorView& view) {
  const auto at = values_.find(value);
  if (at == values_.end() || view.dtype != DType::f32) return {};
  ValueStats& stats = at->second;
  const auto where = [&] { return "calibration: value '" + at->first + "'"; };
  if (stats.range) {
    stats.range->add({view.as<float>(), static_cast<size_t>(view.count())});
    if (!stats.range->finite()) return invalid_data(where() + " is infinite or not a number");
  }
  for (auto& [axes, channels] : stats.channels)
    if (auto status = channels.add(view, axes); !status)
      return std::move(status).error().in(where());
  return {};
}

Status Observations::merge(const Observations& other) {
  if (other.model_ != model_)
    return invalid_data("the observations are of another model (" + other.model_ + ", not " +
                        model_ + ")");
  const bool first = samples_ == 0;
  samples_ += other.samples_;
  if (!first)
    for (auto& [name, mine] : values_) {
      const auto theirs = other.values_.find(name);
      std::erase_if(mine.channels, [&](const auto& entry) {
        return theirs == other.values_.end() || !theirs->second.channels.contains(entry.first);
      });
    }
  for (const auto& [name, stats] : other.values_) {
    ValueStats& mine = values_[name];
    if (mine.range && stats.range) mine.range->merge(*stats.range);
    if (!mine.range) mine.range = stats.range;
    for (const auto& [axes, channels] : stats.channels) {
      if (!first && !mine.channels.contains(axes)) continue;
      if (auto status = mine.channels[axes].merge(channels); !status)
        return std::move(status).error().in("value '" + name + "'");
    }
  }
  return {};
}

namespace {

// The extremes over channels, in place of what was seen before these were scaled.
void follow(std::optional<Observer>& range, const ChannelStatistics& channels) {
  if (!range || channels.channels() == 0) return;
  *range = range->with_extremes({*std::min_element(channels.low.begin(), channels.low.end()),
                                 *std::max_element(channels.high.begin(), channels.high.end())});
}

}  // namespace

void Observations::scale(Graph& graph, const ChannelRegion& region,
                         const std::vector<float>& factors) {
  std::optional<ValueStats> unscaled;
  if (!region.taps.empty())
    if (const auto tapped = values_.find(graph.value(region.tapped).name); tapped != values_.end())
      unscaled = tapped->second;
  for (const auto& [id, channels] : region.values) {
    const auto at = values_.find(graph.value(id).name);
    if (at == values_.end()) continue;
    const auto seen = at->second.channels.find(channels.axes);
    if (seen == at->second.channels.end()) continue;
    std::vector<float> each;
    for (size_t i = 0; i < region.count * channels.repeat; ++i) {
      const float factor = factors[i / channels.repeat];
      each.push_back(channels.exponent > 0 ? factor : 1.0F / factor);
    }
    seen->second.scale(channels.first, each);
    follow(at->second.range, seen->second);
  }
  scale_region(graph, region, factors);
  if (!unscaled) return;
  const Use& tap = region.taps[0];
  values_[graph.value(graph.node(tap.node).inputs[tap.input]).name] = std::move(*unscaled);
}

const Observer* Observations::range(std::string_view value) const {
  const auto at = values_.find(value);
  const bool known = at != values_.end() && at->second.range && at->second.range->seen();
  return known ? &*at->second.range : nullptr;
}

const ChannelStatistics* Observations::channels(std::string_view value,
                                                const std::vector<size_t>& axes) const {
  const auto at = values_.find(value);
  if (at == values_.end()) return nullptr;
  const auto stats = at->second.channels.find(axes);
  return stats == at->second.channels.end() || stats->second.count == 0 ? nullptr : &stats->second;
}

}  // namespace octet::quant
