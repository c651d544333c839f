#pragma once

#include <vector>

#include "engine/ir/graph.h"

namespace octet::runtime {

/// Values of a graph whose symbolic types and known elements are equal, and the nodes whose
/// inference, of the same operator and attributes on inputs of the same groups, repeats that of an
/// earlier one: the layers of a network repeat the first one's. A binding infers the others and
/// checks that all of a group agree.
struct TypeGroups {
  std::vector<uint32_t> of;  ///< By ValueId: its group, below `count`.
  size_t count = 0;
  std::vector<uint8_t> constant;  ///< By group: whether its values are constants, and not boxed.
  std::vector<NodeId> first;      ///< By NodeId: the earliest node that it repeats, or itself.

  bool repeats(NodeId id) const { return first[id] != id; }
};

/// Constants of the same dims are one group where their elements are equal or decide no type: more
/// than 1,024 integers, or 16 others.
TypeGroups group_types(const Graph& graph);
/// Every value a group of its own.
TypeGroups ungrouped_types(const Graph& graph);

}  // namespace octet::runtime
