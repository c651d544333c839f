#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace octet {

/// A quantization step: real = (code - zero point) * scale.
struct Scale {
  float v = 1.0F;
};

/// The code that stands for real zero.
struct ZeroPoint {
  int32_t v = 0;
};

/// The one rounding of octet: x / scale to the nearest integer, ties to even, plus the zero point,
/// saturated to T (ONNX QuantizeLinear). NaN gives the zero point, saturated likewise.
template <typename T>
T quantize(float x, Scale scale, ZeroPoint zero_point) {
  constexpr auto kLow = static_cast<float>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<float>(std::numeric_limits<T>::max());
  const float code = std::nearbyint(x / scale.v) + static_cast<float>(zero_point.v);
  if (!(code == code)) return static_cast<T>(zero_point.v);
  return static_cast<T>(code < kLow ? kLow : (code > kHigh ? kHigh : code));
}

/// Requantization of an exact accumulator: nearest-even of acc * multiplier, plus the zero point,
/// clamped to [low, high]. The same float operations on every instruction set.
inline int32_t requantize(int32_t acc, float multiplier, ZeroPoint zero_point, int32_t low,
                          int32_t high) {
  const float code =
      std::nearbyint(static_cast<float>(acc) * multiplier) + static_cast<float>(zero_point.v);
  const auto low_f = static_cast<float>(low);
  const auto high_f = static_cast<float>(high);
  return static_cast<int32_t>(code < low_f ? low_f : (code > high_f ? high_f : code));
}

template <typename T>
float dequantize(T code, Scale scale, ZeroPoint zero_point) {
  return static_cast<float>(static_cast<int32_t>(code) - zero_point.v) * scale.v;
}

}  // namespace octet
