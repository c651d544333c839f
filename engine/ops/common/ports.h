#pragma once

#include "engine/ops/step.h"

namespace octet {

/// Real ports in the order in which input 0 lies, when that isn't row-major: element-wise operators
/// of one input.
std::optional<Ports> match_keep_layout(const LowerContext& context);

/// Real ports, channels-last, when an input of the output's shape lies so: broadcasting operators.
/// Inputs of the output's rank are asked for in channels-last order, others in row-major order.
std::optional<Ports> match_broadcast_layout(const LowerContext& context);

/// Stored ports for the first `moved` inputs (all, when 0) and every output, when elements can be
/// moved as they are: not quantized, or all quantized per tensor with the same parameters. Other
/// inputs are real.
std::optional<Ports> match_movement(const LowerContext& context, size_t moved, Layout layout);
template <size_t Moved>
std::optional<Ports> match_moved(const LowerContext& context) {
  return match_movement(context, Moved, Layout::row_major);
}
template <size_t Moved>
std::optional<Ports> match_moved_layout(const LowerContext& context) {
  return match_movement(context, Moved, context.input_layout(0));
}

}  // namespace octet
