#pragma once

#include "engine/ops/epilogue.h"
#include "engine/ops/op.h"
#include "kernels/gemm_s8/gemm_s8.h"

namespace octet::ops {

/// Integer rows of MatMul and Gemm: quantized A times a packed, quantized constant B,
std::optional<Ports> match_product_s8(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_product_s8(const LowerContext& context);
/// and a batch of products of two quantized activations.
std::optional<Ports> match_batch_s8(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_batch_s8(const LowerContext& context);

/// What a kernel writes for this storage of 8-bit codes, or for real numbers (any other type).
inline kernels::GemmS8Output gemm_output(DType storage) {
  if (storage == DType::u8) return kernels::GemmS8Output::u8;
  return storage == DType::s8 ? kernels::GemmS8Output::s8 : kernels::GemmS8Output::f32;
}

/// Lets the kernel end with the node's epilogue over real numbers. The residual is [M, columns], or
/// null.
void set_float_end(const Epilogue& epilogue, const float* residual, size_t columns,
                   kernels::GemmS8Epilogue& kernel);

}  // namespace octet::ops
