#include "runtime/session/bound_slot.h"

#include "runtime/session/plan.h"

namespace octet::runtime {

std::vector<BoundSlot> unbound_slots(const Plan& plan) {
  std::vector<BoundSlot> slots(plan.slots.size());
  for (SlotId id = 0; id < slots.size(); ++id) {
    slots[id].root = id;
    const auto& constant = plan.slots[id].constant;
    if (!constant) continue;
    slots[id].place = Place::constant;
    slots[id].dims = &constant->dims();
    slots[id].bytes = constant->bytes().size();
  }
  size_t given = 0;
  for (const SlotId id : plan.inputs) {
    if (id == kNoSlot) continue;
    slots[id].place = Place::input;
    slots[id].index = given++;
  }
  return slots;
}

}  // namespace octet::runtime
