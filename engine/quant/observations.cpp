#include "engine/quant/observations.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/op.h"

namespace octet::quant {
namespace {

struct Axis {
  size_t channels = 0;
  size_t inner = 1;  // Elements between two of neighbouring channels, as they lie in memory.
};

std::optional<Axis> axis_of(const TensorView& view, int wanted) {
  const auto rank = static_cast<int>(view.rank());
  const int axis = wanted < 0 ? wanted + rank : wanted;
  if (axis < 0 || axis >= rank) return std::nullopt;
  const bool last = view.layout == Layout::channels_last && rank >= 3;
  Axis found{static_cast<size_t>(view.dims[static_cast<size_t>(axis)]), 1};
  if (last && axis == 1) return found;
  for (int i = axis + 1; i < rank; ++i)
    if (!last || i != 1) found.inner *= static_cast<size_t>(view.dims[static_cast<size_t>(i)]);
  if (last) found.inner *= static_cast<size_t>(view.dims[1]);
  return found;
}

}  // namespace

void ChannelStats::add(const TensorView& view) {
  const auto elements = static_cast<size_t>(view.count());
  const auto found = axis_of(view, axis);
  if (!found || (!low.empty() && found->channels != channels())) uniform = false;
  if (!uniform || elements == 0) return;
  const auto* values = view.as<float>();
  if (low.empty()) {
    for (size_t c = 0; c < found->channels; ++c) low.push_back(values[c * found->inner]);
    high = low;
    sum.assign(found->channels, 0.0);
  }
  for (size_t i = 0; i < elements;) {
    const size_t c = i / found->inner % found->channels;
    for (const size_t end = i + found->inner; i < end; ++i) {
      low[c] = std::min(low[c], values[i]);
      high[c] = std::max(high[c], values[i]);
      sum[c] += static_cast<double>(values[i]);
    }
  }
  count += elements / found->channels;
}

void ChannelStats::merge(const ChannelStats& other) {
  uniform = uniform && other.uniform &&
            (low.empty() || other.low.empty() || channels() == other.channels());
  if (!uniform || other.low.empty()) return;
  if (low.empty()) {
    *this = other;
    return;
  }
  count += other.count;
  for (size_t c = 0; c < channels(); ++c) {
    low[c] = std::min(low[c], other.low[c]);
    high[c] = std::max(high[c], other.high[c]);
    sum[c] += other.sum[c];
  }
}

void Observations::want_range(const std::string& value) {
  auto& range = values_[value].range;
  if (!range) range.emplace();
}

void Observations::want_channels(const std::string& value, int axis) {
  values_[value].channels.try_emplace(axis).first->second.axis = axis;
}

void Observations::add(std::string_view value, const TensorView& view) {
  const auto at = values_.find(value);
  if (at == values_.end() || view.dtype != DType::f32) return;
  if (at->second.range)
    at->second.range->add({view.as<float>(), static_cast<size_t>(view.count())});
  for (auto& [axis, stats] : at->second.channels) stats.add(view);
}

Status Observations::merge(const Observations& other) {
  if (other.model_ != model_)
    return invalid_data("the observations are of another model (" + other.model_ + ", not " +
                        model_ + ")");
  samples_ += other.samples_;
  for (const auto& [name, stats] : other.values_) {
    ValueStats& mine = values_[name];
    if (mine.range && stats.range) mine.range->merge(*stats.range);
    if (!mine.range) mine.range = stats.range;
    for (const auto& [axis, channels] : stats.channels) {
      const auto [at, added] = mine.channels.try_emplace(axis, channels);
      if (!added) at->second.merge(channels);
    }
  }
  return {};
}

Status Observations::check(std::string_view value) const {
  const auto at = values_.find(value);
  if (at == values_.end()) return {};
  const ValueStats& stats = at->second;
  bool finite = !stats.range || stats.range->finite();
  for (const auto& [axis, channels] : stats.channels)
    finite = finite && std::all_of(channels.sum.begin(), channels.sum.end(),
                                   [](double sum) { return std::isfinite(sum); });
  if (finite) return {};
  return invalid_data("calibration: value '" + at->first + "' is infinite or not a number");
}

Status Observations::check() const {
  for (const auto& [name, stats] : values_) OCTET_RETURN_IF_ERROR(check(name));
  return {};
}

const Observer* Observations::range(std::string_view value) const {
  const auto at = values_.find(value);
  const bool known = at != values_.end() && at->second.range && at->second.range->seen();
  return known ? &*at->second.range : nullptr;
}

const ChannelStats* Observations::channels(std::string_view value, int axis) const {
  const auto at = values_.find(value);
  if (at == values_.end()) return nullptr;
  const auto stats = at->second.channels.find(axis);
  const bool known =
      stats != at->second.channels.end() && stats->second.uniform && stats->second.count > 0;
  return known ? &stats->second : nullptr;
}

}  // namespace octet::quant
