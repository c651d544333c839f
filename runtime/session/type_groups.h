#pragma once

#include <vector>

#include "engine/ir/graph.h"

namespace octet::runtime {

/// By ValueId, the first value of its group: values whose types and known elements are equal at all
/// input dims, since the same inference gives them. The layers of a network make the same values,
/// so that a binding infers those of one layer. Constants of at most 1,024 elements are one group
/// only where these are equal: the elements of larger ones decide no type.
std::vector<ValueId> group_types(const Graph& graph);

}  // namespace octet::runtime
