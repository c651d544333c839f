#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "engine/quant/quantize.h"

namespace octet::quant {

/// A value of the float graph, the axis of its channels, and the codes that it is rounded to: one
/// scale and zero point, 8 or 16 bits.
struct RoundedValue {
  std::string value;
  size_t axis = 0;
  DType storage = DType::u8;
  Scale scale;
  ZeroPoint zero_point;

  friend bool operator<(const RoundedValue& a, const RoundedValue& b) {
    return std::tie(a.value, a.axis, a.storage, a.scale.v, a.zero_point.v) <
           std::tie(b.value, b.axis, b.storage, b.scale.v, b.zero_point.v);
  }
};

/// What rounding adds to each channel of a value on average over the calibration samples: E[Q(x) -
/// x]. Each form of a value is measured once, whatever number of quantized graphs ask.
class RoundingMeans {
 public:
  /// Asks for a form; before measure().
  void want(const RoundedValue& form);
  /// Runs the samples if a form is wanted that isn't known. Fails when a sample does.
  Status measure(const Graph& real, const Calibrate& calibrate);
  /// An element a channel; null of a form that no sample made.
  const std::vector<double>* find(const RoundedValue& form) const;

 private:
  std::map<RoundedValue, std::vector<double>> known_;
  std::vector<RoundedValue> wanted_;
};

}  // namespace octet::quant
