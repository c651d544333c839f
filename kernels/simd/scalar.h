#pragma once

// The functions of functions.h on one float, bit for bit: the oracle. Only files compiled without
// instruction-set flags include it.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/activation.h"
#include "kernels/math/poly.h"
#include "kernels/quantize.h"
#include "kernels/rounding.h"
#include "kernels/simd/constants.h"

namespace octet::kernels::simd {

/// a > b ? a : b, so b when either is NaN; min likewise.
inline float max(float a, float b) { return a > b ? a : b; }
inline float min(float a, float b) { return a < b ? a : b; }
/// NaN when either is NaN; a when they are equal.
inline float max_nan(float a, float b) { return std::isnan(b) ? b : max(b, a); }
inline float min_nan(float a, float b) { return std::isnan(b) ? b : min(b, a); }

/// e^x with a relative error below 1e-4; x is no greater than math::kRoughExpHigh.
inline float rough_exp(float x) {
  if (std::isnan(x)) return x;
  x = std::max(x, math::kRoughExpLow);
  const float n = std::fma(x, math::kLog2E, math::kRoundShift) - math::kRoundShift;
  const float r = std::fma(x, math::kLog2E, -n);
  float p = math::kRoughExp[3];
  for (int i = 2; i >= 0; --i) p = std::fma(p, r, math::kRoughExp[i]);
  return std::ldexp(p, static_cast<int>(n));
}

inline float relu(float x) { return max(0.0F, x); }
inline float clip(float x, float low, float high) { return min(high, max(low, x)); }
inline float leaky_relu(float x, float alpha) { return x < 0.0F ? alpha * x : x; }
inline float elu(float x, float alpha) { return x < 0.0F ? alpha * (math::exp(x) - 1.0F) : x; }
inline float silu(float x) { return x * math::sigmoid(x); }
inline float gelu_erf(float x) {
  const float half = 0.5F * x;
  return std::fma(half, math::erf(x * kSqrtHalf), half);
}
inline float gelu_tanh(float x) {
  const float half = 0.5F * x;
  return std::fma(half, math::tanh(x * std::fma(x * x, kGeluCubic, kGeluLinear)), half);
}
inline float hard_sigmoid(float x, float alpha, float beta) {
  return clip(std::fma(x, alpha, beta), 0.0F, 1.0F);
}
inline float hard_swish(float x) { return x * hard_sigmoid(x, kSixth, 0.5F); }
inline float softplus(float x) {
  const float e = math::exp(-std::fabs(x));
  const float u = 1.0F + e;
  const float d = u - 1.0F;
  // log(1 + e) = log(u) e / (u - 1) corrects the rounding of 1 + e.
  const float log1p = d == 0.0F ? e : math::log(u) * (e / d);
  return relu(x) + log1p;
}
inline float softsign(float x) { return x / (1.0F + std::fabs(x)); }
inline float sign(float x) { return 0.0F < x ? 1.0F : (x < 0.0F ? -1.0F : x); }

/// A sum (or another `combine`) on 16 lanes that start from `start`: element(lane, i) takes element
/// i into lane i mod 16; then lanes are combined 8 apart, 4, 2, 1.
template <typename Combine, typename Element>
float combine_lanes(size_t n, float start, Combine combine, Element element) {
  float lane[16];
  for (float& value : lane) value = start;
  for (size_t i = 0; i < n; ++i) lane[i % 16] = element(lane[i % 16], i);
  for (size_t width = 8; width > 0; width /= 2)
    for (size_t i = 0; i < width; ++i) lane[i] = combine(lane[i], lane[i + width]);
  return lane[0];
}
template <typename Element>
float sum_lanes(size_t n, Element element) {
  return combine_lanes(
      n, 0.0F, [](float a, float b) { return a + b; }, element);
}

/// The code of so many steps.
inline uint8_t step_code(float steps, const CodeRounding& to) {
  if (std::isnan(steps)) return static_cast<uint8_t>(to.zero_point);
  const int32_t code = quantize<int16_t>(steps, Scale{1.0F}, ZeroPoint{to.zero_point});
  return static_cast<uint8_t>(std::clamp(code, to.low, to.high));
}
inline uint8_t code(float x, const CodeRounding& to) { return step_code(x / to.scale, to); }

inline float activate(float x, const Activation& activation) {
  switch (activation.kind) {
    case ActivationKind::none: return x;
    case ActivationKind::relu: return relu(x);
    case ActivationKind::clip: return clip(x, activation.alpha, activation.beta);
    case ActivationKind::leaky_relu: return leaky_relu(x, activation.alpha);
    case ActivationKind::sigmoid: return math::sigmoid(x);
    case ActivationKind::tanh: return math::tanh(x);
    case ActivationKind::silu: return silu(x);
    case ActivationKind::gelu_erf: return gelu_erf(x);
    case ActivationKind::gelu_tanh: return gelu_tanh(x);
    case ActivationKind::hard_sigmoid: return hard_sigmoid(x, activation.alpha, activation.beta);
    case ActivationKind::hard_swish: return hard_swish(x);
  }
  return x;
}

}  // namespace octet::kernels::simd
