#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace octet::quant {

/// The numbers that a quantized tensor must be able to hold.
struct Range {
  float low = 0.0F;
  float high = 0.0F;
};

/// Counts of the elements of a value, apart from zeros, in kBins bins of equal width over
/// [-2^exponent, 2^exponent). The range doubles when an element leaves it; bins are then merged in
/// pairs. Widths are powers of two, so that an element's bin doesn't depend on the order in which
/// elements come: counts of two histograms add up to those of one that saw everything.
class Histogram {
 public:
  static constexpr size_t kBins = 8192;

  /// Counts `values`, all finite and of magnitude below 2^exponent after `hold(largest)`.
  void add(std::span<const float> values);
  void merge(const Histogram& other);
  /// Widens the range to hold this magnitude.
  void hold(float magnitude);
  /// From stored counts: `counts` are those of bins first, first + 1, …
  static Histogram restore(int exponent, uint64_t zeros, size_t first,
                           std::span<const uint64_t> counts);

  bool empty() const { return bins_.empty(); }
  int exponent() const { return exponent_; }
  uint64_t zeros() const { return zeros_; }
  std::span<const uint64_t> bins() const { return bins_; }
  double width() const;           ///< Of a bin.
  double edge(size_t bin) const;  ///< The smallest number of a bin.
  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  void widen(int exponent);
  int exponent_ = 0;
  uint64_t zeros_ = 0;
  std::vector<uint64_t> bins_;  // Empty until the first element other than 0.
};

/// Range statistics of one value over any number of samples of any shapes, in constant memory.
class Observer {
 public:
  /// The elements of one sample.
  void add(std::span<const float> values);
  /// As if `other`'s samples had been added here: counts and extremes exactly, the means of
  /// extremes to the rounding of a double.
  void merge(const Observer& other);

  bool seen() const { return samples_ > 0; }
  /// False once an element was infinite or not a number (its sample is otherwise left out).
  bool finite() const { return finite_; }
  uint64_t samples() const { return samples_; }
  uint64_t count() const { return count_; }
  Range minmax() const { return {low_, high_}; }
  /// The mean over samples of each one's smallest and largest element: a moving average whose
  /// window is everything, so that it doesn't depend on the order of samples.
  Range moving() const;
  const Histogram& histogram() const { return histogram_; }

  /// What a file holds of an observer; `restore(o.state())` equals o.
  struct State {
    uint64_t samples = 0;
    uint64_t count = 0;
    Range extremes;
    double low_sum = 0;
    double high_sum = 0;
  };
  /// As many elements, between other extremes (those of every sample, too); counts that aren't
  /// known any more, but for that of zeros.
  Observer with_extremes(Range extremes) const;
  State state() const { return {samples_, count_, {low_, high_}, low_sum_, high_sum_}; }
  static Observer restore(const State& state, Histogram histogram);

 private:
  float low_ = 0.0F;
  float high_ = 0.0F;
  double low_sum_ = 0;
  double high_sum_ = 0;
  uint64_t samples_ = 0;
  uint64_t count_ = 0;
  bool finite_ = true;
  Histogram histogram_;
};

}  // namespace octet::quant
