#include "engine/quant/observer.h"

#include <algorithm>
#include <cmath>

namespace octet::quant {
namespace {

// The smallest range, below every normal float: what is smaller still falls into its middle bins.
constexpr int kLowestExponent = -126;
constexpr auto kMiddle = static_cast<int64_t>(Histogram::kBins / 2);

}  // namespace

double Histogram::width() const { return std::ldexp(2.0 / static_cast<double>(kBins), exponent_); }

double Histogram::edge(size_t bin) const {
  return static_cast<double>(static_cast<int64_t>(bin) - kMiddle) * width();
}

void Histogram::widen(int exponent) {
  for (; exponent_ < exponent; ++exponent_) {
    std::vector<uint64_t> merged(kBins, 0);
    for (size_t i = 0; i < kBins; ++i) merged[kBins / 4 + i / 2] += bins_[i];
    bins_ = std::move(merged);
  }
}

void Histogram::hold(float magnitude) {
  if (magnitude == 0.0F) return;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  exponent = std::max(exponent, kLowestExponent);
  if (bins_.empty()) {
    bins_.assign(kBins, 0);
    exponent_ = exponent;
  }
  widen(exponent);
}

void Histogram::add(std::span<const float> values) {
  // In double: v / width is exact, so the bin is the true one whatever the range was before.
  const double per_unit = bins_.empty() ? 0.0 : 1.0 / width();
  for (const float v : values) {
    if (v == 0.0F) {
      ++zeros_;
      continue;
    }
    const auto bin = static_cast<int64_t>(std::floor(static_cast<double>(v) * per_unit));
    ++bins_[static_cast<size_t>(bin + kMiddle)];
  }
}

void Histogram::merge(const Histogram& other) {
  zeros_ += other.zeros_;
  if (other.bins_.empty()) return;
  if (bins_.empty()) {
    bins_ = other.bins_;
    exponent_ = other.exponent_;
    return;
  }
  Histogram same = other;
  same.widen(exponent_);
  widen(same.exponent_);
  for (size_t i = 0; i < kBins; ++i) bins_[i] += same.bins_[i];
}

Histogram Histogram::restore(int exponent, uint64_t zeros, size_t first,
                             std::span<const uint64_t> counts) {
  Histogram histogram;
  histogram.zeros_ = zeros;
  if (counts.empty()) return histogram;
  histogram.exponent_ = exponent;
  histogram.bins_.assign(kBins, 0);
  std::copy(counts.begin(), counts.end(),
            histogram.bins_.begin() + static_cast<std::ptrdiff_t>(first));
  return histogram;
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
  low_ = samples_ == 0 ? low : std::min(low_, low);
  high_ = samples_ == 0 ? high : std::max(high_, high);
  low_sum_ += static_cast<double>(low);
  high_sum_ += static_cast<double>(high);
  ++samples_;
  count_ += values.size();
  histogram_.hold(std::max(std::fabs(low), std::fabs(high)));
  histogram_.add(values);
}

void Observer::merge(const Observer& other) {
  finite_ = finite_ && other.finite_;
  if (!other.seen()) return;
  low_ = seen() ? std::min(low_, other.low_) : other.low_;
  high_ = seen() ? std::max(high_, other.high_) : other.high_;
  low_sum_ += other.low_sum_;
  high_sum_ += other.high_sum_;
  samples_ += other.samples_;
  count_ += other.count_;
  histogram_.merge(other.histogram_);
}

Range Observer::moving() const {
  if (!seen()) return {};
  const auto samples = static_cast<double>(samples_);
  return {static_cast<float>(low_sum_ / samples), static_cast<float>(high_sum_ / samples)};
}

Observer Observer::with_extremes(Range extremes) const {
  const auto samples = static_cast<double>(samples_);
  return restore({samples_, count_, extremes, extremes.low * samples, extremes.high * samples},
                 Histogram::restore(0, histogram_.zeros(), 0, {}));
}

Observer Observer::restore(const State& state, Histogram histogram) {
  Observer observer;
  observer.samples_ = state.samples;
  observer.count_ = state.count;
  observer.low_ = state.extremes.low;
  observer.high_ = state.extremes.high;
  observer.low_sum_ = state.low_sum;
  observer.high_sum_ = state.high_sum;
  observer.histogram_ = std::move(histogram);
  return observer;
}

}  // namespace octet::quant
