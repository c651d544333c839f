#pragma once

#include "engine/ir/tensor.h"

namespace octet::runtime {

using SlotId = uint32_t;
inline constexpr SlotId kNoSlot = 0xFFFFFFFF;

/// Where the bytes of a slot are during a run.
enum class Place : uint8_t {
  none,      ///< Never made: nothing reads it.
  arena,     ///< At `offset` of the run's arena.
  constant,  ///< In the plan.
  host,      ///< Known from dims alone: among the binding's hosts.
  input,     ///< The caller's memory.
  output,    ///< The caller's memory for a result.
  late,      ///< Made while running: dims depend on data.
};

struct BoundSlot {
  Place place = Place::none;
  SlotId root = 0;             ///< The slot whose bytes these are; itself unless it is a view.
  const Dims* dims = nullptr;  ///< In the plan or among the binding's dims. Null for late slots.
  size_t bytes = 0;
  size_t offset = 0;  ///< Of an arena root.
  size_t index = 0;   ///< Of an input, output or host root.
};

struct Plan;

/// What all bindings of a plan begin with: its constants and inputs in their places, each slot its
/// own root. Points into the plan's slots.
std::vector<BoundSlot> unbound_slots(const Plan& plan);

}  // namespace octet::runtime
