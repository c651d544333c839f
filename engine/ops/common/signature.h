#pragma once

#include <optional>

#include "engine/ops/op.h"

namespace octet {

/// Fails unless a node has the inputs that the standard requires of its operator's newest form, of
/// the element types and kinds that it allows (signatures.def); types that aren't known yet pass.
Status check_signature(const InferContext& context);

/// Whether input i holds axes or extents, whose elements inference judges ("[n]").
bool reads_extents(const OpDef& op, size_t i);

/// Whether the operator's newest form needs an input i.
bool requires_input(const OpDef& op, size_t i);

/// How many inputs a node may have in a file: fused forms take more. Nothing where any number goes.
std::optional<size_t> most_inputs(const OpDef& op);

}  // namespace octet
