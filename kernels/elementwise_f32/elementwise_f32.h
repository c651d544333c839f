#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/rounding.h"

namespace octet::kernels {

/// Element-wise functions, named after ONNX's; bit-identical on every instruction set.
enum class UnaryF32 : uint8_t {
  abs,
  neg,
  floor,
  ceil,
  /// To nearest, ties to even.
  round,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  log,
  relu,
  /// min(max(x, alpha), beta); NaN stays NaN.
  clip,
  /// x < 0 ? alpha x : x.
  leaky_relu,
  /// x < 0 ? alpha (exp(x) - 1) : x.
  elu,
  sigmoid,
  tanh,
  erf,
  gelu_erf,
  gelu_tanh,
  silu,
  /// max(0, min(1, alpha x + beta)).
  hard_sigmoid,
  hard_swish,
  /// log(1 + exp(x)).
  softplus,
  softsign,
  square,
  sign,
  /// alpha x + beta, as one fma.
  affine,
  sin,
  cos,
};

struct UnaryF32Args {
  UnaryF32 function = UnaryF32::abs;
  float alpha = 0.0F;
  float beta = 0.0F;
  const float* x = nullptr;
  /// May be x.
  float* y = nullptr;
  size_t count = 0;
};

enum class BinaryF32 : uint8_t { add, sub, mul, div, max, min, pow, prelu };

inline constexpr size_t kBinaryF32Rank = 8;

/// out[i...] = a[i...] (op) b[i...] over `shape`, the output being contiguous. A stride of 0
/// repeats (broadcast). max and min give NaN when either is NaN. prelu: a < 0 ? a * b : a.
struct BinaryF32Args {
  BinaryF32 function = BinaryF32::add;
  size_t rank = 0;
  size_t shape[kBinaryF32Rank] = {};
  ptrdiff_t a_stride[kBinaryF32Rank] = {};
  ptrdiff_t b_stride[kBinaryF32Rank] = {};
  const float* a = nullptr;
  const float* b = nullptr;
  /// May be an operand that isn't broadcast.
  float* out = nullptr;
};

struct ElementwiseF32Table {
  void (*unary)(const UnaryF32Args& args);
  /// A row: steps are 0 (one value) or 1.
  void (*binary)(BinaryF32 function, const float* a, ptrdiff_t a_step, const float* b,
                 ptrdiff_t b_step, float* out, size_t count);
  /// The codes of a * sigmoid(b), within 1/16 of what is rounded: nearest_even(a * (1 / scale) /
  /// (1 + e)) + zero point with a rough e^-b (kernels/math/poly.h). NaN gives the zero point.
  void (*gate_codes)(const float* a, const float* b, uint8_t* out, size_t count,
                     const CodeRounding& rounding);
};

using ElementwiseF32Variant = Variant<ElementwiseF32Table>;

std::span<const ElementwiseF32Variant> elementwise_f32_variants();
const ElementwiseF32Variant& select_elementwise_f32(CpuToken token);

void unary_f32(const ElementwiseF32Table& table, const UnaryF32Args& args, Parallel& parallel);
void binary_f32(const ElementwiseF32Table& table, const BinaryF32Args& args, Parallel& parallel);

}  // namespace octet::kernels
