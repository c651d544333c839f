#pragma once

#include "engine/ir/type.h"

namespace octet::quant {

/// Scales for symmetric s8 codes from -127 to 127 of a finite f32 constant: one a channel along
/// `axis`, or one for all when axis < 0. Each has the least squared error on the channel's weights
/// among scales that clip at 50% to 100% of the largest magnitude; 1 where there is nothing to
/// scale.
Result<std::vector<float>> weight_scales(const Tensor& weights, int axis);

/// The codes at these scales.
struct QuantizedTensor {
  Tensor codes;
  QuantPtr quant;
};
Result<QuantizedTensor> quantize_weights(const Tensor& weights, int axis);

/// s32 codes of a bias for an accumulator with these scales (of the input, and of the weights per
/// channel or per tensor). Fails when a code would leave s32's exact range in float.
Result<QuantizedTensor> quantize_bias(const Tensor& bias, Scale input, const QuantType& weights);

}  // namespace octet::quant
