#pragma once

// Functions over F32x16, the same for each instruction set. scalar.h has the same on one float, bit
// for bit.

#include "kernels/activation.h"
#include "kernels/math/poly.h"
#include "kernels/rounding.h"
#include "kernels/simd/constants.h"
#include "kernels/simd/lanes.h"

namespace octet::kernels::simd {

#define OCTET_SIMD static inline __attribute__((always_inline))

OCTET_SIMD F32x16 neg(F32x16 x) { return bit_xor(x, set(-0.0F)); }
OCTET_SIMD F32x16 abs(F32x16 x) { return bit_xor(x, bit_and(x, set(-0.0F))); }
// Only max and select wait for a, so a chain over b is short.
OCTET_SIMD F32x16 max_nan(F32x16 a, F32x16 b) { return select(is_nan(b), b, max(b, a)); }
OCTET_SIMD F32x16 min_nan(F32x16 a, F32x16 b) { return select(is_nan(b), b, min(b, a)); }

/// e^x with a relative error below 1e-4; x is no greater than math::kRoughExpHigh.
OCTET_SIMD F32x16 rough_exp(F32x16 x) {
  // max gives its second operand when one is NaN.
  x = max(set(math::kRoughExpLow), x);
  const F32x16 by = set(math::kLog2E), shift = set(math::kRoundShift);
  const F32x16 n = sub(fma(x, by, shift), shift);
  const F32x16 r = fma(x, by, neg(n));
  F32x16 p = set(math::kRoughExp[3]);
#pragma GCC unroll 3
  for (int i = 2; i >= 0; --i) p = fma(p, r, set(math::kRoughExp[i]));
  return times_power_of_two(p, n);
}

OCTET_SIMD F32x16 relu(F32x16 x) { return max(zero(), x); }
OCTET_SIMD F32x16 clip(F32x16 x, F32x16 low, F32x16 high) { return min(high, max(low, x)); }
OCTET_SIMD F32x16 leaky_relu(F32x16 x, F32x16 alpha) {
  return select(less(x, zero()), mul(alpha, x), x);
}
OCTET_SIMD F32x16 elu(F32x16 x, F32x16 alpha) {
  return select(less(x, zero()), mul(alpha, sub(exp(x), set(1.0F))), x);
}
OCTET_SIMD F32x16 silu(F32x16 x) { return mul(x, sigmoid(x)); }
OCTET_SIMD F32x16 gelu_erf(F32x16 x) {
  const F32x16 half = mul(set(0.5F), x);
  return fma(half, erf(mul(x, set(kSqrtHalf))), half);
}
OCTET_SIMD F32x16 gelu_tanh(F32x16 x) {
  const F32x16 half = mul(set(0.5F), x);
  const F32x16 slope = fma(mul(x, x), set(kGeluCubic), set(kGeluLinear));
  return fma(half, tanh(mul(x, slope)), half);
}
OCTET_SIMD F32x16 hard_sigmoid(F32x16 x, F32x16 alpha, F32x16 beta) {
  return clip(fma(x, alpha, beta), zero(), set(1.0F));
}
OCTET_SIMD F32x16 hard_swish(F32x16 x) { return mul(x, hard_sigmoid(x, set(kSixth), set(0.5F))); }
OCTET_SIMD F32x16 softplus(F32x16 x) {
  const F32x16 e = exp(neg(abs(x)));
  const F32x16 u = add(set(1.0F), e);
  const F32x16 d = sub(u, set(1.0F));
  // log(1 + e) = log(u) e / (u - 1) corrects the rounding of 1 + e.
  const F32x16 log1p = select(equal(d, zero()), e, mul(log(u), div(e, d)));
  return add(relu(x), log1p);
}
OCTET_SIMD F32x16 softsign(F32x16 x) { return div(x, add(set(1.0F), abs(x))); }
OCTET_SIMD F32x16 sign(F32x16 x) {
  const F32x16 low = select(less(x, zero()), set(-1.0F), x);
  return select(less(zero(), x), set(1.0F), low);
}

template <ActivationKind kKind>
OCTET_SIMD F32x16 activate(F32x16 x, const Activation& activation) {
  if constexpr (kKind == ActivationKind::relu) return relu(x);
  if constexpr (kKind == ActivationKind::clip)
    return clip(x, set(activation.alpha), set(activation.beta));
  if constexpr (kKind == ActivationKind::leaky_relu) return leaky_relu(x, set(activation.alpha));
  if constexpr (kKind == ActivationKind::sigmoid) return sigmoid(x);
  if constexpr (kKind == ActivationKind::tanh) return tanh(x);
  if constexpr (kKind == ActivationKind::silu) return silu(x);
  if constexpr (kKind == ActivationKind::gelu_erf) return gelu_erf(x);
  if constexpr (kKind == ActivationKind::gelu_tanh) return gelu_tanh(x);
  if constexpr (kKind == ActivationKind::hard_sigmoid)
    return hard_sigmoid(x, set(activation.alpha), set(activation.beta));
  if constexpr (kKind == ActivationKind::hard_swish) return hard_swish(x);
  return x;
}

/// A kind as a compile-time value, for `with_kind`.
template <ActivationKind kKind>
struct KindTag {
  static constexpr ActivationKind kValue = kKind;
};

/// Calls f(KindTag<kind>{}).
template <typename F>
OCTET_SIMD void with_kind(ActivationKind kind, F f) {
  switch (kind) {
    case ActivationKind::none: return f(KindTag<ActivationKind::none>{});
    case ActivationKind::relu: return f(KindTag<ActivationKind::relu>{});
    case ActivationKind::clip: return f(KindTag<ActivationKind::clip>{});
    case ActivationKind::leaky_relu: return f(KindTag<ActivationKind::leaky_relu>{});
    case ActivationKind::sigmoid: return f(KindTag<ActivationKind::sigmoid>{});
    case ActivationKind::tanh: return f(KindTag<ActivationKind::tanh>{});
    case ActivationKind::silu: return f(KindTag<ActivationKind::silu>{});
    case ActivationKind::gelu_erf: return f(KindTag<ActivationKind::gelu_erf>{});
    case ActivationKind::gelu_tanh: return f(KindTag<ActivationKind::gelu_tanh>{});
    case ActivationKind::hard_sigmoid: return f(KindTag<ActivationKind::hard_sigmoid>{});
    case ActivationKind::hard_swish: return f(KindTag<ActivationKind::hard_swish>{});
  }
}

/// A CodeRounding in registers.
struct Codes {
  F32x16 scale, low, high;
  int32_t zero_point;
};
OCTET_SIMD Codes codes_of(const CodeRounding& to) {
  // Rounding keeps order, so clamping to whole numbers before it gives the same code.
  return {set(to.scale), set(static_cast<float>(to.low - to.zero_point)),
          set(static_cast<float>(to.high - to.zero_point)), to.zero_point};
}
/// Codes of so many steps, of the first n <= 16.
OCTET_SIMD void store_steps(uint8_t* p, F32x16 steps, const Codes& to, size_t n) {
  // store_bytes takes a NaN as a multiple of 256.
  store_bytes(p, hold(steps, to.low, to.high), to.zero_point, n);
}
OCTET_SIMD void store_codes(uint8_t* p, F32x16 x, const Codes& to, size_t n) {
  store_steps(p, div(x, to.scale), to, n);
}

#undef OCTET_SIMD

}  // namespace octet::kernels::simd
