#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/ir/result.h"
#include "kernels/quantize.h"

namespace octet::quant {

/// The numbers that a quantized tensor must be able to hold.
struct Range {
  float low = 0.0F;
  float high = 0.0F;
};

/// Range statistics of one value over any number of samples, in memory that doesn't grow: smallest
/// and largest element, and a histogram over a range that doubles when a sample leaves it (bins are
/// merged in pairs, so counts stay exact).
class Observer {
 public:
  void add(std::span<const float> values);
  bool seen() const { return count_ > 0; }
  bool finite() const { return finite_; }
  Range minmax() const { return {low_, high_}; }
  /// The range that leaves out at most (100 - percentile)% of the elements, half at each end that
  /// isn't already at zero.
  Range percentile(double percentile) const;

 private:
  void widen(float magnitude);
  float low_ = 0.0F;
  float high_ = 0.0F;
  uint64_t count_ = 0;
  bool finite_ = true;
  float limit_ = 0.0F;  // The histogram covers [-limit, limit).
  std::vector<uint64_t> bins_;
};

/// Scale and zero point of 8-bit codes for a range, which is first widened to hold 0 (ONNX needs a
/// code for it: padding). An empty range gives scale 1.
struct Affine {
  Scale scale;
  ZeroPoint zero_point;
};
Affine choose_u8(Range range);

}  // namespace octet::quant
