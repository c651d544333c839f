#include "engine/quant/calibrators.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

namespace octet::quant {
namespace {

constexpr size_t kBins = Histogram::kBins;
constexpr size_t kMiddle = kBins / 2;

// Both ends, widened to hold 0.
Range around_zero(Range range) { return {std::min(range.low, 0.0F), std::max(range.high, 0.0F)}; }

// The range within the observed extremes.
Range inside(const Observer& observer, double low, double high) {
  const Range extremes = around_zero(observer.minmax());
  return {std::max(extremes.low, static_cast<float>(low)),
          std::min(extremes.high, static_cast<float>(high))};
}

// The bins that hold anything: [first, last), widened to the middle.
struct Span {
  size_t first = kMiddle;
  size_t last = kMiddle;
};

Span occupied(const Histogram& histogram) {
  Span span;
  for (size_t i = 0; i < kBins; ++i) {
    if (histogram.bins()[i] == 0) continue;
    span.first = std::min(span.first, i);
    span.last = std::max(span.last, i + 1);
  }
  return span;
}

uint64_t count_in(std::span<const uint64_t> bins, Span span) {
  uint64_t count = 0;
  for (size_t i = span.first; i < span.last; ++i) count += bins[i];
  return count;
}

// KL(P, Q) of the bins [first, last) under `levels` codes, with everything outside clipped.
double divergence(std::span<const uint64_t> bins, Span all, Span kept, size_t levels) {
  const auto below = static_cast<double>(count_in(bins, {all.first, kept.first}));
  const auto above = static_cast<double>(count_in(bins, {kept.last, all.last}));
  const auto inside = static_cast<double>(count_in(bins, kept));
  const double total = below + above + inside;
  const size_t n = kept.last - kept.first;
  const auto p = [&](size_t i) {
    return static_cast<double>(bins[i]) + (i == kept.first ? below : 0.0) +
           (i + 1 == kept.last ? above : 0.0);
  };
  double sum = 0;
  for (size_t level = 0; level < levels; ++level) {
    const size_t begin = kept.first + level * n / levels;
    const size_t end = kept.first + (level + 1) * n / levels;
    double mass = 0;
    double used = 0;
    for (size_t i = begin; i < end; ++i) {
      mass += static_cast<double>(bins[i]);
      used += p(i) > 0 ? 1.0 : 0.0;
    }
    // An end that only clipped elements reach counts as one element of Q.
    const double q = used == 0 ? 0 : std::max(mass / used, 1.0) / std::max(inside, 1.0);
    for (size_t i = begin; i < end; ++i)
      if (p(i) > 0) sum += p(i) / total * std::log(p(i) / total / q);
  }
  return sum;
}

std::string text(double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%g", v);
  return buffer;
}

}  // namespace

int64_t levels_of(DType storage) { return int64_t{1} << dtype_bits(storage); }

int64_t lowest_code(DType storage) {
  const bool is_signed = storage == DType::s8 || storage == DType::s16;
  return is_signed ? -levels_of(storage) / 2 : 0;
}

Range percentile_range(const Observer& observer, double percentile) {
  const Histogram& histogram = observer.histogram();
  if (histogram.empty()) return {};
  const auto outside = static_cast<uint64_t>(static_cast<double>(observer.count()) *
                                             (100.0 - percentile) / 100.0 / 2.0);
  const auto bins = histogram.bins();
  size_t first = 0;
  for (uint64_t left = outside; first < kMiddle && bins[first] <= left; ++first)
    left -= bins[first];
  size_t last = kBins;
  for (uint64_t left = outside; last > kMiddle && bins[last - 1] <= left; --last)
    left -= bins[last - 1];
  return inside(observer, histogram.edge(first), histogram.edge(last));
}

Range entropy_range(const Observer& observer, int64_t levels) {
  const Histogram& histogram = observer.histogram();
  const Range extremes = around_zero(observer.minmax());
  if (histogram.empty()) return extremes;
  constexpr size_t kStride = 8;
  const Span all = occupied(histogram);
  const size_t widest = std::max(all.last - kMiddle, kMiddle - all.first);
  const auto least =
      static_cast<size_t>(levels) / (all.first < kMiddle && all.last > kMiddle ? 2 : 1);
  const uint64_t enough = count_in(histogram.bins(), all) / 100 * 99;
  Range best = extremes;
  double smallest = std::numeric_limits<double>::infinity();
  for (size_t clip = least; clip < widest + kStride; clip += kStride) {
    const Span kept{kMiddle - std::min(clip, kMiddle - all.first),
                    kMiddle + std::min(clip, all.last - kMiddle)};
    if (count_in(histogram.bins(), kept) < enough) continue;
    const auto codes = std::min(static_cast<size_t>(levels), kept.last - kept.first);
    const double kl = divergence(histogram.bins(), all, kept, codes);
    if (!(kl < smallest)) continue;
    smallest = kl;
    best = inside(observer, histogram.edge(kept.first), histogram.edge(kept.last));
  }
  return best;
}

double mean_squared_error(const Observer& observer, Range range, int64_t levels) {
  const Histogram& histogram = observer.histogram();
  if (histogram.empty() || observer.count() == 0) return 0;
  const double low = std::min(range.low, 0.0F);
  const double high = std::max(range.high, 0.0F);
  if (!(high > low)) return std::numeric_limits<double>::infinity();
  const double step = (high - low) / static_cast<double>(levels - 1);
  const double zero = std::nearbyint(-low / step);
  const double half = histogram.width() / 2;
  const Span all = occupied(histogram);
  double sum = 0;
  for (size_t i = all.first; i < all.last; ++i) {
    const auto count = static_cast<double>(histogram.bins()[i]);
    if (count == 0) continue;
    const double x = histogram.edge(i) + half;
    const double code =
        std::clamp(std::nearbyint(x / step) + zero, 0.0, static_cast<double>(levels - 1));
    const double error = (code - zero) * step - x;
    sum += count * error * error;
  }
  return sum / static_cast<double>(observer.count());
}

Range mse_range(const Observer& observer, int64_t levels) {
  const Range extremes = around_zero(observer.minmax());
  constexpr int kSteps = 100;
  Range best = extremes;
  double smallest = mean_squared_error(observer, best, levels);
  const auto attempt = [&](Range range) {
    const double error = mean_squared_error(observer, range, levels);
    if (!(error < smallest)) return;
    smallest = error;
    best = range;
  };
  const auto part = [](float end, int i) {
    return end * (static_cast<float>(i) / static_cast<float>(kSteps));
  };
  for (int i = 1; i < kSteps; ++i) attempt({part(extremes.low, i), part(extremes.high, i)});
  for (int i = 0; i <= kSteps; ++i) attempt({part(extremes.low, i), best.high});
  for (int i = 0; i <= kSteps; ++i) attempt({best.low, part(extremes.high, i)});
  return best;
}

Range choose_range(const Observer& observer, const CalibratorOptions& options, int64_t levels) {
  const Range extremes = around_zero(observer.minmax());
  const bool finer = levels < static_cast<int64_t>(kBins);
  switch (options.calibrator) {
    case Calibrator::minmax: return extremes;
    case Calibrator::moving: return around_zero(observer.moving());
    case Calibrator::percentile: return percentile_range(observer, options.percentile);
    case Calibrator::entropy: return finer ? entropy_range(observer, levels) : extremes;
    case Calibrator::mse: return finer ? mse_range(observer, levels) : extremes;
  }
  return extremes;
}

Result<Affine> choose_affine(Range range, DType storage) {
  const double low = std::min(range.low, 0.0F);
  const double high = std::max(range.high, 0.0F);
  const auto codes = static_cast<double>(levels_of(storage) - 1);
  const auto lowest = static_cast<double>(lowest_code(storage));
  if (low == high) return Affine{{1.0F}, {static_cast<int32_t>(lowest)}};
  const auto scale = static_cast<float>((high - low) / codes);
  if (!(high - low <= static_cast<double>(std::numeric_limits<float>::max())) ||
      !(scale >= std::numeric_limits<float>::min()))
    return invalid_data("no scale of " + std::string(dtype_name(storage)) +
                        " codes holds the range from " + text(low) + " to " + text(high));
  const double zero = std::nearbyint(-low / static_cast<double>(scale));
  return Affine{{scale}, {static_cast<int32_t>(lowest + std::clamp(zero, 0.0, codes))}};
}

}  // namespace octet::quant
