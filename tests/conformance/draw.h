#pragma once

#include <algorithm>
#include <string>

#include "tests/conformance/oracle.h"
#include "tests/conformance/random.h"

namespace octet::conformance {

/// A double that a float holds.
inline double as_float(double value) { return static_cast<double>(static_cast<float>(value)); }

inline double draw_scale(Random& random, double low = 0.004, double high = 0.1) {
  return as_float(random.real(low, high));
}

/// Parameters per tensor, or for `channels` channels; zero points of 0 where `symmetric`.
inline Params draw_params(Random& random, DType type, size_t channels, bool symmetric,
                          double low = 0.004, double high = 0.1) {
  Params params;
  params.type = type;
  params.scale.clear();
  params.zero.clear();
  const Range range = range_of(type);
  const int64_t middle = (range.low + range.high + 1) / 2;
  const int64_t reach = std::min<int64_t>((range.high - range.low) / 4, 20);
  for (size_t c = 0; c < channels; ++c) {
    params.scale.push_back(draw_scale(random, low, high));
    params.zero.push_back(symmetric ? 0 : random.integer(middle - reach, middle + reach));
  }
  return params;
}

/// Any codes of a type, its ends among them.
inline std::vector<int64_t> draw_codes(Random& random, DType type, size_t count) {
  const Range range = range_of(type);
  auto values = random.integers(count, range.low, range.high);
  if (count > 1) {
    values[0] = range.low;
    values[1] = range.high;
  }
  return values;
}

inline std::vector<double> draw_floats(Random& random, size_t count, double low, double high) {
  auto values = random.reals(count, low, high);
  for (double& v : values) v = as_float(v);
  return values;
}

/// What codes stand for. `inner` elements share a channel, `channels` channels follow each other.
inline std::vector<double> dequantized(const std::vector<int64_t>& codes, const Params& params,
                                       size_t channels = 1, size_t inner = 1) {
  std::vector<double> real;
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t c = channels == 1 ? 0 : i / inner % channels;
    real.push_back(static_cast<double>(codes[i] - params.zero_of(c)) * params.scale_of(c));
  }
  return real;
}

/// What is left of real numbers that were quantized per tensor.
inline std::vector<double> through(const std::vector<double>& real, const Params& params) {
  std::vector<double> out;
  for (const double r : real) {
    const Rounded next = rounded(r / params.scale[0], params.zero[0], params.type);
    out.push_back(static_cast<double>(next.code - params.zero[0]) * params.scale[0]);
  }
  return out;
}

inline std::string case_name(const char* family, size_t index, const std::string& detail) {
  return std::string(family) + "_" + std::to_string(index) + "_" + detail;
}

}  // namespace octet::conformance
