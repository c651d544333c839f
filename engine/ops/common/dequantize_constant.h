#pragma once

#include "engine/ir/type.h"

namespace octet {

/// The real elements of quantized codes: per tensor, per channel or blocked, f32 whatever
/// `quant.real` is. Plain loops: for constants at compile time and for quantizers.
Result<Tensor> dequantize_constant(const Tensor& codes, const QuantType& quant);

}  // namespace octet
