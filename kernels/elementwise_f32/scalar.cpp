#include "kernels/simd/scalar.h"

#include <cmath>

#include "kernels/elementwise_f32/elementwise_f32.h"

namespace octet::kernels {
namespace {

float apply(UnaryF32 function, float x, float alpha, float beta) {
  switch (function) {
    case UnaryF32::abs: return std::fabs(x);
    case UnaryF32::neg: return -x;
    case UnaryF32::floor: return std::floor(x);
    case UnaryF32::ceil: return std::ceil(x);
    case UnaryF32::round: return std::nearbyint(x);
    case UnaryF32::sqrt: return std::sqrt(x);
    case UnaryF32::rsqrt: return 1.0F / std::sqrt(x);
    case UnaryF32::reciprocal: return 1.0F / x;
    case UnaryF32::exp: return math::exp(x);
    case UnaryF32::log: return math::log(x);
    case UnaryF32::relu: return simd::relu(x);
    case UnaryF32::clip: return simd::clip(x, alpha, beta);
    case UnaryF32::leaky_relu: return simd::leaky_relu(x, alpha);
    case UnaryF32::elu: return simd::elu(x, alpha);
    case UnaryF32::sigmoid: return math::sigmoid(x);
    case UnaryF32::tanh: return math::tanh(x);
    case UnaryF32::erf: return math::erf(x);
    case UnaryF32::gelu_erf: return simd::gelu_erf(x);
    case UnaryF32::gelu_tanh: return simd::gelu_tanh(x);
    case UnaryF32::silu: return simd::silu(x);
    case UnaryF32::hard_sigmoid: return simd::hard_sigmoid(x, alpha, beta);
    case UnaryF32::hard_swish: return simd::hard_swish(x);
    case UnaryF32::softplus: return simd::softplus(x);
    case UnaryF32::softsign: return simd::softsign(x);
    case UnaryF32::square: return x * x;
    case UnaryF32::sign: return simd::sign(x);
    case UnaryF32::affine: return std::fma(alpha, x, beta);
    case UnaryF32::sin: return std::sin(x);
    case UnaryF32::cos: return std::cos(x);
  }
  return x;
}

float apply(BinaryF32 function, float a, float b) {
  switch (function) {
    case BinaryF32::add: return a + b;
    case BinaryF32::sub: return a - b;
    case BinaryF32::mul: return a * b;
    case BinaryF32::div: return a / b;
    case BinaryF32::max: return simd::max_nan(a, b);
    case BinaryF32::min: return simd::min_nan(a, b);
    case BinaryF32::pow: return std::pow(a, b);
    case BinaryF32::prelu: return simd::leaky_relu(a, b);
  }
  return a;
}

void unary(const UnaryF32Args& args) {
  for (size_t i = 0; i < args.count; ++i)
    args.y[i] = apply(args.function, args.x[i], args.alpha, args.beta);
}

void binary(BinaryF32 function, const float* a, ptrdiff_t a_step, const float* b, ptrdiff_t b_step,
            float* out, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto at = static_cast<ptrdiff_t>(i);
    out[i] = apply(function, a[at * a_step], b[at * b_step]);
  }
}

void gate_codes(const float* a, const float* b, uint8_t* out, size_t count,
                const CodeRounding& rounding) {
  const float inverse = 1.0F / rounding.scale;
  for (size_t i = 0; i < count; ++i) {
    const float e = simd::rough_exp(simd::min(math::kRoughExpHigh, -b[i]));
    out[i] = simd::step_code(a[i] * inverse / (1.0F + e), rounding);
  }
}

}  // namespace

extern const ElementwiseF32Table elementwise_f32_scalar;
const ElementwiseF32Table elementwise_f32_scalar = {unary, binary, gate_codes};

}  // namespace octet::kernels
