#pragma once

#include "engine/ir/type.h"

namespace octet::quant {

/// Symmetric s8 codes of a float constant: per channel along `axis`, or per tensor when axis < 0.
struct QuantizedTensor {
  Tensor codes;
  QuantPtr quant;
};
Result<QuantizedTensor> quantize_weights(const Tensor& weights, int axis);

/// s32 codes of a bias for an accumulator with these scales (of the input, and of the weights per
/// channel or per tensor). Fails when a code would leave s32's exact range in float.
Result<QuantizedTensor> quantize_bias(const Tensor& bias, Scale input, const QuantType& weights);

}  // namespace octet::quant
