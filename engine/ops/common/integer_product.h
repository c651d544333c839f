#pragma once

#include "engine/ops/common/product.h"

namespace octet::ops {

/// Where a product of codes has its operands. A's zero point (and scale) is one value, one a row of
/// a matrix, or one for each row of the whole batch; B's the same by columns.
struct IntegerProductPorts {
  size_t a = 0, a_zero = 2;
  size_t b = 1, b_zero = 3;
  bool requantizes = false;  ///< QLinearMatMul: scales, and codes as output.
  size_t a_scale = 0, b_scale = 0, y_scale = 0, y_zero = 0;
  /// ScaledMatMul: the output is float(sum) * (a_scale * b_scale) + bias, then the epilogue of the
  /// node's attributes; its residual is the last input. A may be real numbers without a_zero and
  /// a_scale: each row is then quantized by its own range.
  bool scales = false;
  size_t bias = 0;
};
inline constexpr IntegerProductPorts kMatMulIntegerPorts{};
inline constexpr IntegerProductPorts kQLinearMatMulPorts{.a = 0,
                                                         .a_zero = 2,
                                                         .b = 3,
                                                         .b_zero = 5,
                                                         .requantizes = true,
                                                         .a_scale = 1,
                                                         .b_scale = 4,
                                                         .y_scale = 6,
                                                         .y_zero = 7};
inline constexpr IntegerProductPorts kScaledMatMulPorts{
    .a_scale = 4, .b_scale = 5, .scales = true, .bias = 6};

/// Inference: types of the operands; scales and zero points have as many elements as their operand
/// asks for, as far as dims are known.
Status infer_integer_product(InferContext& context, const IntegerProductPorts& ports);

/// Rows over kernels: a packed constant B,
std::optional<Ports> match_integer_gemm(const LowerContext& context,
                                        const IntegerProductPorts& ports);
Result<std::unique_ptr<Step>> prepare_integer_gemm(const LowerContext& context,
                                                   const IntegerProductPorts& ports);
/// and two activations.
std::optional<Ports> match_integer_matmul(const LowerContext& context,
                                          const IntegerProductPorts& ports);
Result<std::unique_ptr<Step>> prepare_integer_matmul(const LowerContext& context,
                                                     const IntegerProductPorts& ports);

/// Plain loops, for every form.
Status run_integer_product(const IntegerProductPorts& ports, RunContext& context);

}  // namespace octet::ops
