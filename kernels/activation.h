#pragma once

#include <cstdint>

namespace octet::kernels {

/// The function that a float kernel applies to its result before it stores it.
enum class ActivationKind : uint8_t {
  none,
  relu,
  /// min(max(x, alpha), beta): Clip and ReLU6.
  clip,
  /// x < 0 ? alpha * x : x.
  leaky_relu,
  sigmoid,
  tanh,
  /// x * sigmoid(x).
  silu,
  /// 0.5 x (1 + erf(x / sqrt 2)).
  gelu_erf,
  /// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
  gelu_tanh,
  /// max(0, min(1, alpha * x + beta)).
  hard_sigmoid,
  /// x * max(0, min(1, x / 6 + 0.5)).
  hard_swish,
};

struct Activation {
  ActivationKind kind = ActivationKind::none;
  float alpha = 0.0F;
  float beta = 0.0F;
};

}  // namespace octet::kernels
