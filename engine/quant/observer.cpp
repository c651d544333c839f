#include "engine/quant/observer.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::quant {
namespace {

constexpr size_t kBins = 4096;

}  // namespace

void Observer::widen(float magnitude) {
  if (bins_.empty()) {
    bins_.assign(kBins, 0);
    limit_ = std::max(std::exp2(std::ceil(std::log2(magnitude * 1.0001F))),
                      std::numeric_limits<float>::min());
    return;
  }
  while (magnitude >= limit_) {
    std::vector<uint64_t> merged(kBins, 0);
    for (size_t i = 0; i < kBins; ++i) merged[kBins / 4 + i / 2] += bins_[i];
    bins_ = std::move(merged);
    limit_ *= 2.0F;
  }
}

void Observer::add(std::span<const float> values) {
  if (values.empty()) return;
  float low = values[0];
  float high = values[0];
  bool finite = true;
  for (const float v : values) {
    finite = finite && std::isfinite(v);
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (!finite) {
    finite_ = false;
    return;
  }
  low_ = count_ == 0 ? low : std::min(low_, low);
  high_ = count_ == 0 ? high : std::max(high_, high);
  count_ += values.size();
  const float magnitude = std::max(std::fabs(low), std::fabs(high));
  if (bins_.empty() || magnitude >= limit_)
    widen(std::max(magnitude, std::numeric_limits<float>::min()));
  const float factor = static_cast<float>(kBins) / 2.0F / limit_;
  for (const float v : values) {
    const auto bin = static_cast<int64_t>((v + limit_) * factor);
    ++bins_[static_cast<size_t>(std::clamp<int64_t>(bin, 0, kBins - 1))];
  }
}

Range Observer::percentile(double percentile) const {
  if (bins_.empty()) return minmax();
  const auto outside =
      static_cast<uint64_t>(static_cast<double>(count_) * (100.0 - percentile) / 100.0 / 2.0);
  const float width = 2.0F * limit_ / static_cast<float>(kBins);
  const auto edge = [&](size_t bin) { return -limit_ + static_cast<float>(bin) * width; };
  size_t first = 0;
  for (uint64_t left = outside; first < kBins && bins_[first] <= left; ++first)
    left -= bins_[first];
  size_t last = kBins;
  for (uint64_t left = outside; last > 0 && bins_[last - 1] <= left; --last)
    left -= bins_[last - 1];
  return {std::max(low_, std::min(edge(first), 0.0F)), std::min(high_, std::max(edge(last), 0.0F))};
}

Affine choose_u8(Range range) {
  const double low = std::min(range.low, 0.0F);
  const double high = std::max(range.high, 0.0F);
  const auto scale = static_cast<float>((high - low) / 255.0);
  if (!(scale >= std::numeric_limits<float>::min())) return {{1.0F}, {0}};
  const double zero = std::nearbyint(-low / static_cast<double>(scale));
  return {{scale}, {static_cast<int32_t>(std::clamp(zero, 0.0, 255.0))}};
}

}  // namespace octet::quant
