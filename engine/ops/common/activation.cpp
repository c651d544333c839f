#include "engine/ops/common/activation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::ops {
namespace {

using kernels::ActivationKind;

struct Row {
  ActivationKind kind;
  double (*apply)(double x, double alpha, double beta);
};

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// In the order of `Activation`.
constexpr Row kRows[] = {
    {ActivationKind::none, [](double x, double, double) { return x; }},
    {ActivationKind::relu, [](double x, double, double) { return x > 0.0 ? x : 0.0; }},
    {ActivationKind::clip,
     [](double x, double a, double b) { return std::min(std::max(x, a), b); }},
    {ActivationKind::leaky_relu, [](double x, double a, double) { return x < 0.0 ? a * x : x; }},
    {ActivationKind::sigmoid, [](double x, double, double) { return sigmoid(x); }},
    {ActivationKind::tanh, [](double x, double, double) { return std::tanh(x); }},
    {ActivationKind::silu, [](double x, double, double) { return x * sigmoid(x); }},
    {ActivationKind::gelu_erf,
     [](double x, double, double) { return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0))); }},
    {ActivationKind::gelu_tanh,
     [](double x, double, double) {
       constexpr double kSqrt2OverPi = 0.79788456080286535588;
       return 0.5 * x * (1.0 + std::tanh(kSqrt2OverPi * (x + 0.044715 * x * x * x)));
     }},
    {ActivationKind::hard_sigmoid,
     [](double x, double a, double b) { return std::max(0.0, std::min(1.0, a * x + b)); }},
    {ActivationKind::hard_swish,
     [](double x, double, double) { return x * std::max(0.0, std::min(1.0, x / 6.0 + 0.5)); }},
};

const Row& row(const Epilogue& epilogue) { return kRows[static_cast<size_t>(epilogue.activation)]; }

template <typename T>
CodeRange range_of(const Epilogue& epilogue, const QuantType& quant) {
  CodeRange range{static_cast<float>(std::numeric_limits<T>::min()),
                  static_cast<float>(std::numeric_limits<T>::max())};
  const auto code = [&](float x) {
    return static_cast<float>(quantize<T>(x, quant.tensor_scale(), quant.tensor_zero_point()));
  };
  if (epilogue.activation == octet::Activation::relu) range.low = code(0.0F);
  if (epilogue.activation == octet::Activation::clip)
    range = {code(epilogue.alpha), code(epilogue.beta)};
  return range;
}

}  // namespace

kernels::Activation kernel_activation(const Epilogue& epilogue) {
  return {row(epilogue).kind, epilogue.alpha, epilogue.beta};
}

double activate(const Epilogue& epilogue, double x) {
  return row(epilogue).apply(x, epilogue.alpha, epilogue.beta);
}

float finished(const Epilogue& epilogue, float value, const float* residual, int64_t at) {
  using Residual = Epilogue::Residual;
  if (epilogue.residual == Residual::before_activation) value += residual[at];
  if (epilogue.activation != octet::Activation::none)
    value = static_cast<float>(activate(epilogue, static_cast<double>(value)));
  if (epilogue.residual == Residual::after_activation) value += residual[at];
  return value;
}

CodeRange code_range(const Epilogue& epilogue, const QuantType& quant) {
  return quant.storage == DType::u8 ? range_of<uint8_t>(epilogue, quant)
                                    : range_of<int8_t>(epilogue, quant);
}

bool is_clamp(const Epilogue& epilogue) { return epilogue.activation <= octet::Activation::clip; }

}  // namespace octet::ops
