#pragma once

#include <cmath>

#include "engine/ops/common/recurrent.h"

namespace octet::ops::recurrent {

/// The activation functions that ONNX names for recurrent operators.
struct Function {
  enum class Kind : uint8_t {
    relu,
    tanh,
    sigmoid,
    affine,
    leaky_relu,
    thresholded_relu,
    scaled_tanh,
    hard_sigmoid,
    elu,
    softsign,
    softplus,
  };
  Kind kind = Kind::tanh;
  float alpha = 0.0F;
  float beta = 0.0F;
};

/// The functions of every direction in turn: f, g, h of an LSTM, f, g of a GRU, f of an RNN. Values
/// of alpha and beta go, in order, to the functions that take them.
Result<std::vector<Function>> functions_of(const RecurrentAttrs& attrs, Cell cell);

/// Whether they are the operator's defaults: sigmoid, then tanh; tanh alone in an RNN.
bool has_default_functions(const RecurrentAttrs& attrs, Cell cell);

template <typename T>
T apply(const Function& f, T x) {
  const T alpha = static_cast<T>(f.alpha);
  const T beta = static_cast<T>(f.beta);
  switch (f.kind) {
    case Function::Kind::relu: return x > 0 ? x : 0;
    case Function::Kind::tanh: return std::tanh(x);
    case Function::Kind::sigmoid: return 1 / (1 + std::exp(-x));
    case Function::Kind::affine: return alpha * x + beta;
    case Function::Kind::leaky_relu: return x >= 0 ? x : alpha * x;
    case Function::Kind::thresholded_relu: return x > alpha ? x : 0;
    case Function::Kind::scaled_tanh: return alpha * std::tanh(beta * x);
    case Function::Kind::hard_sigmoid: return std::fmin(std::fmax(alpha * x + beta, T{0}), T{1});
    case Function::Kind::elu: return x >= 0 ? x : alpha * std::expm1(x);
    case Function::Kind::softsign: return x / (1 + std::fabs(x));
    case Function::Kind::softplus: return std::fmax(x, T{0}) + std::log1p(std::exp(-std::fabs(x)));
  }
  return x;
}

}  // namespace octet::ops::recurrent
