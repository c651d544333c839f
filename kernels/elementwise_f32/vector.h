#pragma once

// elementwise_f32 over F32x16, included once by each instruction set's file.

#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

using simd::F32x16;

constexpr size_t kLanes = 16;

#define OCTET_INLINE __attribute__((always_inline))

template <typename F>
inline OCTET_INLINE void map(const float* x, float* y, size_t count, F f) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) simd::store(y + i, f(simd::load(x + i)));
  if (i == count) return;
  const simd::Mask16 rest = simd::first(count - i);
  simd::store(y + i, f(simd::load(x + i, rest)), rest);
}

void unary(const UnaryF32Args& args) {
  const F32x16 alpha = simd::set(args.alpha);
  const F32x16 beta = simd::set(args.beta);
  const F32x16 one = simd::set(1.0F);
  const auto run = [&](auto f) OCTET_INLINE { map(args.x, args.y, args.count, f); };
  switch (args.function) {
    case UnaryF32::abs: return run([](F32x16 x) OCTET_INLINE { return simd::abs(x); });
    case UnaryF32::neg: return run([](F32x16 x) OCTET_INLINE { return simd::neg(x); });
    case UnaryF32::floor: return run([](F32x16 x) OCTET_INLINE { return simd::floor(x); });
    case UnaryF32::ceil: return run([](F32x16 x) OCTET_INLINE { return simd::ceil(x); });
    case UnaryF32::round: return run([](F32x16 x) OCTET_INLINE { return simd::round_even(x); });
    case UnaryF32::sqrt: return run([](F32x16 x) OCTET_INLINE { return simd::sqrt(x); });
    case UnaryF32::rsqrt:
      return run([=](F32x16 x) OCTET_INLINE { return simd::div(one, simd::sqrt(x)); });
    case UnaryF32::reciprocal: return run([=](F32x16 x) OCTET_INLINE { return simd::div(one, x); });
    case UnaryF32::exp: return run([](F32x16 x) OCTET_INLINE { return simd::exp(x); });
    case UnaryF32::log: return run([](F32x16 x) OCTET_INLINE { return simd::log(x); });
    case UnaryF32::relu: return run([](F32x16 x) OCTET_INLINE { return simd::relu(x); });
    case UnaryF32::clip:
      return run([=](F32x16 x) OCTET_INLINE { return simd::clip(x, alpha, beta); });
    case UnaryF32::leaky_relu:
      return run([=](F32x16 x) OCTET_INLINE { return simd::leaky_relu(x, alpha); });
    case UnaryF32::elu: return run([=](F32x16 x) OCTET_INLINE { return simd::elu(x, alpha); });
    case UnaryF32::sigmoid: return run([](F32x16 x) OCTET_INLINE { return simd::sigmoid(x); });
    case UnaryF32::tanh: return run([](F32x16 x) OCTET_INLINE { return simd::tanh(x); });
    case UnaryF32::erf: return run([](F32x16 x) OCTET_INLINE { return simd::erf(x); });
    case UnaryF32::gelu_erf: return run([](F32x16 x) OCTET_INLINE { return simd::gelu_erf(x); });
    case UnaryF32::gelu_tanh: return run([](F32x16 x) OCTET_INLINE { return simd::gelu_tanh(x); });
    case UnaryF32::silu: return run([](F32x16 x) OCTET_INLINE { return simd::silu(x); });
    case UnaryF32::hard_sigmoid:
      return run([=](F32x16 x) OCTET_INLINE { return simd::hard_sigmoid(x, alpha, beta); });
    case UnaryF32::hard_swish:
      return run([](F32x16 x) OCTET_INLINE { return simd::hard_swish(x); });
    case UnaryF32::softplus: return run([](F32x16 x) OCTET_INLINE { return simd::softplus(x); });
    case UnaryF32::softsign: return run([](F32x16 x) OCTET_INLINE { return simd::softsign(x); });
    case UnaryF32::square: return run([](F32x16 x) OCTET_INLINE { return simd::mul(x, x); });
    case UnaryF32::sign: return run([](F32x16 x) OCTET_INLINE { return simd::sign(x); });
    case UnaryF32::affine:
      return run([=](F32x16 x) OCTET_INLINE { return simd::fma(alpha, x, beta); });
    case UnaryF32::sin:
    case UnaryF32::cos: return;
  }
}

// One row; a step of 0 is a constant held in a register.
template <typename F>
inline OCTET_INLINE void zip(const float* a, ptrdiff_t a_step, const float* b, ptrdiff_t b_step,
                             float* out, size_t count, F f) {
  const auto loop = [&](auto left, auto right) OCTET_INLINE {
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
      simd::store(out + i, f(left(i, nullptr), right(i, nullptr)));
    if (i == count) return;
    const simd::Mask16 rest = simd::first(count - i);
    simd::store(out + i, f(left(i, &rest), right(i, &rest)), rest);
  };
  const auto varying = [](const float* p) OCTET_INLINE {
    return [p](size_t i, const simd::Mask16* rest) OCTET_INLINE {
      return rest != nullptr ? simd::load(p + i, *rest) : simd::load(p + i);
    };
  };
  const auto constant = [](float value) OCTET_INLINE {
    return [v = simd::set(value)](size_t, const simd::Mask16*) OCTET_INLINE { return v; };
  };
  if (count == 0) return;
  if (a_step != 0 && b_step != 0) return loop(varying(a), varying(b));
  if (a_step != 0) return loop(varying(a), constant(*b));
  if (b_step != 0) return loop(constant(*a), varying(b));
  loop(constant(*a), constant(*b));
}

void binary(BinaryF32 function, const float* a, ptrdiff_t a_step, const float* b, ptrdiff_t b_step,
            float* out, size_t count) {
  const auto run = [&](auto f) OCTET_INLINE { zip(a, a_step, b, b_step, out, count, f); };
  switch (function) {
    case BinaryF32::add:
      return run([](F32x16 x, F32x16 y) OCTET_INLINE { return simd::add(x, y); });
    case BinaryF32::sub:
      return run([](F32x16 x, F32x16 y) OCTET_INLINE { return simd::sub(x, y); });
    case BinaryF32::mul:
      return run([](F32x16 x, F32x16 y) OCTET_INLINE { return simd::mul(x, y); });
    case BinaryF32::div:
      return run([](F32x16 x, F32x16 y) OCTET_INLINE { return simd::div(x, y); });
    case BinaryF32::max:
      return run([](F32x16 x, F32x16 y) OCTET_INLINE { return simd::max_nan(x, y); });
    case BinaryF32::min:
      return run([](F32x16 x, F32x16 y) OCTET_INLINE { return simd::min_nan(x, y); });
    case BinaryF32::prelu:
      return run([](F32x16 x, F32x16 y) OCTET_INLINE { return simd::leaky_relu(x, y); });
    case BinaryF32::pow: return;
  }
}

void gate_codes(const float* a, const float* b, uint8_t* out, size_t count,
                const CodeRounding& rounding) {
  const simd::Codes to = simd::codes_of(rounding);
  const F32x16 one = simd::set(1.0F), inverse = simd::set(1.0F / rounding.scale);
  const F32x16 high = simd::set(math::kRoughExpHigh);
  const auto store = [=](size_t i, F32x16 x, F32x16 gate, size_t n) OCTET_INLINE {
    const F32x16 e = simd::rough_exp(simd::min(high, simd::neg(gate)));
    simd::store_steps(out + i, simd::div(simd::mul(x, inverse), simd::add(one, e)), to, n);
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(i, simd::load(a + i), simd::load(b + i), kLanes);
  if (i == count) return;
  const simd::Mask16 rest = simd::first(count - i);
  store(i, simd::load(a + i, rest), simd::load(b + i, rest), count - i);
}

#undef OCTET_INLINE

}  // namespace
}  // namespace octet::kernels
