#pragma once

#include <cstdint>

namespace octet {

/// Element-wise functions that an arithmetic operator can apply to its result in its epilogue.
enum class Activation : uint8_t {
  none,
  relu,
  clip,        ///< min(max(x, alpha), beta)
  leaky_relu,  ///< x < 0 ? alpha * x : x
  sigmoid,
  tanh,
  silu,          ///< x * sigmoid(x)
  gelu,          ///< x * (1 + erf(x / sqrt(2))) / 2
  gelu_tanh,     ///< The tanh approximation.
  hard_sigmoid,  ///< max(0, min(1, alpha * x + beta))
  hard_swish,    ///< x * max(0, min(1, x / 6 + 0.5))
};

/// What fusion adds to Conv, Gemm and MatMul: y = activation(op(...) + bias + residual), or the
/// residual after the activation. The residual is the node's last input, of the output's shape.
/// Never written to a file: only graphs on the way to a plan have one.
struct Epilogue {
  Activation activation = Activation::none;
  float alpha = 0.0F;
  float beta = 0.0F;
  enum class Residual : uint8_t { none, before_activation, after_activation };
  Residual residual = Residual::none;
  friend bool operator==(const Epilogue&, const Epilogue&) = default;
};

}  // namespace octet
