#pragma once

#include <optional>

#include "engine/ops/step.h"

// Float nodes as providers' libraries take them: constant weights, nothing quantized.

namespace octet::runtime {

/// Input i where it is a float constant that isn't quantized; else null.
const Tensor* float_constant(const LowerContext& context, size_t i);

/// Whether the node computes in float (f16 and bf16 are widened) and none of its ports is
/// quantized.
bool is_plain_f32(const LowerContext& context);

/// Conv with constant float weights [M, C / group, kernel...], a constant bias or none, whatever
/// its epilogue: images and residual channels-last, weights and bias as stored.
std::optional<Ports> match_plain_conv(const LowerContext& context);

/// MatMul or Gemm A B + c with a constant matrix B, a constant row c or none and no scale, whatever
/// its epilogue: A is [..., K], row-major.
std::optional<Ports> match_plain_product(const LowerContext& context);

}  // namespace octet::runtime
