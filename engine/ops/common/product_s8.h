#pragma once

#include "engine/ops/op.h"

namespace octet::ops {

/// Integer rows of MatMul and Gemm: quantized A times a packed, quantized constant B,
std::optional<Ports> match_product_s8(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_product_s8(const LowerContext& context);
/// and a batch of products of two quantized activations.
std::optional<Ports> match_batch_s8(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_batch_s8(const LowerContext& context);

}  // namespace octet::ops
