#pragma once

#include "engine/ops/common/resample.h"
#include "engine/ops/step.h"

namespace octet::ops {

/// Whether an axis stays as it is.
bool is_identity(const ResampleAxis& axis);

/// y = x with each of `axes` (in the order in which they lie in memory) resized by weighted sums:
/// of double for f64, else of float. False where the elements aren't numbers.
bool interpolate(const ResizeAttrs& attrs, const std::vector<ResampleAxis>& axes,
                 const TensorView& x, const TensorView& y, Parallel& parallel);

/// The same by each axis's first tap alone: copies, of elements of whole bytes.
void move_nearest(const ResizeAttrs& attrs, const std::vector<ResampleAxis>& axes,
                  const TensorView& x, const TensorView& y);

}  // namespace octet::ops
