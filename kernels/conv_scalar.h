#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/conv_types.h"

namespace octet::kernels {

/// The code at `index` of a u8 or s8 tensor.
inline int32_t code_at(const void* data, bool is_signed, size_t index) {
  return is_signed ? static_cast<const int8_t*>(data)[index]
                   : static_cast<const uint8_t*>(data)[index];
}

inline size_t stride_or(size_t stride, size_t dense) { return stride == 0 ? dense : stride; }

/// The oracle of ConvEpilogue: writes channel `c` of output pixel `pixel` from its sum.
inline void finish(const ConvEpilogue& e, const ConvShape& shape, const ConvIo& io, size_t pixel,
                   size_t c, int32_t acc) {
  const size_t at = pixel * stride_or(io.out_stride, shape.out_channels) + c;
  if (e.bias != nullptr) acc += e.bias[c];
  if (e.out == Element::s32) {
    static_cast<int32_t*>(io.out)[at] = acc;
    return;
  }
  float v = static_cast<float>(acc) * e.multiplier[c];
  v = v + (e.bias_f32 == nullptr ? 0.0F : e.bias_f32[c]);
  if (e.residual != nullptr) {
    const size_t r = pixel * stride_or(e.residual_stride, shape.out_channels) + c;
    const int32_t code = code_at(e.residual, e.residual_signed, r) - e.residual_zero_point;
    v = v + static_cast<float>(code) * e.residual_multiplier;
  }
  if (e.swish_slope != 0.0F) {
    const float gate = v * e.swish_slope + 0.5F;
    v = v * std::clamp(gate, 0.0F, 1.0F);
  }
  if (e.out == Element::f32) {
    static_cast<float*>(io.out)[at] = std::clamp(v, e.low, e.high);
    return;
  }
  // Multipliers that aren't finite make NaN of no code in particular.
  const float code = (v == v ? std::nearbyint(v) : 0.0F) + static_cast<float>(e.zero_point);
  const auto byte =
      static_cast<uint8_t>(static_cast<int32_t>(std::clamp(code, e.low, e.high)) & 0xFF);
  static_cast<uint8_t*>(io.out)[at] = e.table != nullptr ? e.table[byte] : byte;
}

/// A weight's distance from its channel's zero point, for dense `weights[index]`.
inline int32_t weight_at(const ConvWeights& weights, size_t index, size_t channel) {
  const int32_t zero = weights.zero_points != nullptr ? weights.zero_points[channel] : 0;
  return code_at(weights.data, weights.is_signed, index) - zero;
}

}  // namespace octet::kernels
