#pragma once

#include "engine/ops/step.h"

namespace octet::ops {

/// Whether elements of this type are converted: numbers of whole bytes, and bool.
bool is_convertible(DType type);

/// y = x converted, element by element: integers keep their low bits, reals become integers as
/// integer_of has it, halves come from floats. False where a type isn't convertible.
bool convert_elements(const TensorView& x, const TensorView& y, Parallel& parallel);

}  // namespace octet::ops
