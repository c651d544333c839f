#pragma once

#include <optional>
#include <vector>

#include "engine/quant/observations.h"

namespace octet::quant {

/// How much noise the 8-bit steps inside a region would bring, as a function of the scaling: each
/// tensor's step is its range / 255 (activations) or twice its largest element / 254 (weights, per
/// output channel), rounding errors are uniform and independent (variance step^2 / 12, B. Widrow,
/// "Statistical analysis of amplitude-quantized sampled-data systems", 1961), channels are
/// uncorrelated. Each consumer counts by its noise relative to its own signal.
class RegionNoise {
 public:
  /// Nothing when calibration saw too little of the region.
  static std::optional<RegionNoise> of(const Graph& graph, const ChannelRegion& region,
                                       const Observations& observations);
  /// Noise over signal, summed over consumers, when channel c is multiplied by factors[c].
  double at(const std::vector<float>& factors) const;
  /// The largest magnitude of each channel among activations that the factors multiply, each tensor
  /// relative to its own largest.
  const std::vector<float>& pushed() const { return pushed_; }
  /// The same for weights and activations that the factors divide.
  const std::vector<float>& pulled() const { return pulled_; }

 private:
  struct Activation {
    const ChannelStatistics* statistics;
    Channels channels;
  };
  struct Consumer {
    size_t inputs = 0;
    std::vector<float> largest;  // [outputs, inputs] magnitudes of the weights.
    std::vector<double> power;   // [inputs] sums of squares of the weights.
    Channels channels;           // Of the inputs.
    Activation x;
  };
  struct Pair {
    Activation a, b;
  };

  bool add_consumer(const Graph& graph, const Absorber& sink, const Activation& x);
  static double step(const Activation& x, const std::vector<float>& factors);
  double of_consumer(const Consumer& consumer, const std::vector<float>& factors) const;
  static double of_pair(const Pair& pair, const std::vector<float>& factors);
  void note(std::vector<float>& into, const Channels& channels, const std::vector<float>& seen);

  size_t count_ = 0;
  std::vector<Consumer> consumers_;
  std::vector<Pair> pairs_;
  std::vector<Activation> passing_;  // Rounded on their way to every consumer.
  std::vector<float> pushed_;
  std::vector<float> pulled_;
};

/// Factors rounded to powers of two around a geometric mean of about one: products and sums of the
/// float graph then keep their bits.
std::vector<float> exact_factors(const std::vector<double>& factors);

}  // namespace octet::quant
