#pragma once

#include "engine/ops/common/conv_geometry.h"
#include "engine/ops/conv_transpose.h"

namespace octet::ops {

/// Dims of the output of a ConvTranspose of X [N, C, spatial...] and weights
/// W [C, M / group, kernel...]. Nothing when a rank is unknown.
Result<std::optional<Shape>> conv_transpose_output_shape(const ConvTransposeAttrs& attrs,
                                                         const std::optional<Shape>& x,
                                                         const std::optional<Shape>& w);

/// The same with all dims known. Stride, dilation and padding are those of the convolution whose
/// gradient it is: input pixel p and tap t meet output pixel p * stride + t * dilation - pad_begin.
ConvGeometry conv_transpose_geometry(const ConvTransposeAttrs& attrs, const Dims& x, const Dims& w,
                                     const Dims& out);

}  // namespace octet::ops
