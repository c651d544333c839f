#pragma once

#include "engine/ops/common/axes.h"
#include "engine/ops/step.h"

namespace octet::ops {

/// The k largest (or smallest) elements of each row along the axis of `cut`, in order; equal ones
/// keep theirs, and a NaN is above every number. `values` ([outer, k, inner], of x's type) and
/// `indices` (the same, their places along the axis) may be null. False where x isn't of numbers.
bool select_top(const TensorView& x, const AxisCut& cut, size_t k, bool largest,
                const TensorView* values, const TensorView* indices, Parallel& parallel);

}  // namespace octet::ops
