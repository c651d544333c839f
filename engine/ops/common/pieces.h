#pragma once

#include <span>
#include <vector>

#include "engine/ops/op.h"

// Lists: their ports, and tensors cut and joined along an axis outside an arena. Strings may be
// elements; elements narrower than a byte are refused.

namespace octet {

/// Every port as stored: rows of operators on lists.
std::optional<Ports> match_stored(const LowerContext& context);

/// Entries [begin, end) of an axis, in memory of their own.
Result<Tensor> cut(const Tensor& tensor, size_t axis, size_t begin, size_t end);

/// Parts of one type joined along an axis that they have, or a new one.
Result<Tensor> join(std::span<const Tensor> parts, int64_t axis, bool new_axis);

}  // namespace octet
