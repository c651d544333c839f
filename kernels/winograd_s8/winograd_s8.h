#pragma once

#include "kernels/conv_s8/conv_s8.h"

namespace octet::kernels {

/// Whether winograd_s8 may compute a convolution: kernels of 3x3 with strides and dilations of 1,
/// one group, input channels in multiples of 32, and weights small enough for its sums to be exact
/// (see driver.inl). Spatial dims don't matter.
bool winograd_s8_takes(const ConvShape& shape, const ConvWeights& weights);

/// Whether winograd_s8 beats the row of conv_s8 that `direct` names, by what octet_bench measures,
/// on a geometry that it takes. Output dims and batch of 0 aren't known: images are taken as large.
bool winograd_s8_pays(const ConvShape& shape, Isa direct);

/// conv_s8 for the convolutions that winograd_s8_takes(): the same bytes by F(4x4,3x3) of Lavin and
/// Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), in integers. Four output rows
/// and columns share their products: a quarter of the multiplications. Packed weights take eight
/// times the bytes of the weights.
const Variant<ConvS8Table>& select_winograd_s8(CpuToken token);
std::span<const Variant<ConvS8Table>> winograd_s8_variants();

}  // namespace octet::kernels
