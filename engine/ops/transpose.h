#pragma once

#include <optional>
#include <vector>

#include "engine/ops/step.h"

namespace octet::ops {

/// A Transpose's axes, the reverse order where it names none; nothing for other operators.
std::optional<std::vector<int64_t>> transpose_axes(const Node& node, size_t rank);

/// Whether y, which is x with its axes in the order `axes` (empty: as they are), has x's very
/// bytes: every axis of more than one element lies as before, whatever the two layouts are called.
bool keeps_bytes(const TensorView& x, const TensorView& y, const std::vector<int64_t>& axes);

}  // namespace octet::ops
