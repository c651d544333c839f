#pragma once

#include "engine/ops/common/ports.h"
#include "engine/ops/common/recoded.h"
#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

// Operators that move elements without looking at them: quantized codes and halves move as they
// are where inputs and outputs are stored alike.

namespace octet::movement {

/// Inputs and outputs share one set of parameters.
QuantSpec quant_shared(const Graph& graph, const Node& node);

/// Output 0 is input 0's bytes in row-major order, under other dims.
Status run_copy(const Attrs& attrs, RunContext& context);

/// Rows of an operator whose first `Moved` inputs (all, when 0) and outputs are moved by `Run`.
template <auto Run, size_t Moved>
inline constexpr Implementation kRows[] = {
    {.name = "copy", .match = match_moved<Moved>, .prepare = prepare_function<Run>},
    recoded<Run>(),
    reference<Run>(),
};

/// The same for a `Run` that walks steps, whatever the layout: ports keep input 0's layout.
template <auto Run, size_t Moved>
inline constexpr Implementation kLayoutRows[] = {
    {.name = "copy", .match = match_moved_layout<Moved>, .prepare = prepare_function<Run>},
    recoded<Run>(),
    reference<Run>(),
};

/// Indices of any integer type as int64.
std::vector<int64_t> integers_of(const TensorView& view);

/// Makes an attribute of older opsets the constant input `i`.
void attribute_to_input(const CanonicalContext& context, size_t i,
                        const std::optional<std::vector<int64_t>>& values, std::string_view name);

}  // namespace octet::movement
