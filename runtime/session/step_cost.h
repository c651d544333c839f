#pragma once

#include <span>

#include "engine/ops/op.h"

namespace octet::runtime {

/// About how many nanoseconds a step takes on one thread: its bytes, and for an operator that
/// multiplies its products, at rates of the instruction set. Good to a factor of a few, which is
/// what the choice between one thread and several needs. `op` is null for a conversion.
double step_cost(const OpDef* op, std::span<const TensorView> inputs,
                 std::span<const TensorView> outputs, Isa isa);

}  // namespace octet::runtime
