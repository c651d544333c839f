#pragma once

#include <optional>
#include <vector>

#include "engine/ops/infer.h"

// Shape arithmetic: integer elements that inference knows, carried through operators.

namespace octet {

inline constexpr int64_t kMaxInferredElements = 1024;

/// A function of elements; nothing when the result isn't known.
using ElementFunction = std::optional<Dim> (*)(const std::vector<Dim>& arguments);

/// Sets output 0's elements to f of the inputs' elements under broadcasting. Does nothing when
/// elements are missing, dims are unknown, or f gives nothing for one of them. Call it after the
/// output's type is set; `dims` are the output's.
void infer_elements(InferContext& context, const std::optional<Shape>& shape, ElementFunction f);

/// The broadcast shape of all inputs; nothing while a rank is unknown. An error when they
/// contradict each other.
Result<std::optional<Shape>> broadcast_shape(const InferContext& context);

/// Known dims of a shape of at most kMaxInferredElements elements.
std::optional<std::vector<int64_t>> small_dims(const std::optional<Shape>& shape);

/// How many extents input i, which holds dims, has; nothing while that is unknown. More than 64 are
/// an error.
Result<std::optional<size_t>> extent_count(const InferContext& context, size_t i);

/// Outputs 0's elements are input 0's, in the same order (Reshape, Squeeze, Identity, Cast).
void infer_same_elements(InferContext& context);

}  // namespace octet
