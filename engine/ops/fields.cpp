#include "engine/ops/fields.h"

#include <algorithm>

namespace octet::detail {

Status read_slots(std::span<const FieldSlot> slots, const AttrMap& map, int opset) {
  size_t used = 0;
  std::string problem;
  for (const FieldSlot& slot : slots) {
    if (!slot.is_in(opset)) continue;
    const auto at = map.find(slot.name);
    if (at == map.end()) {
      if (slot.range.required) problem = "attribute '" + std::string(slot.name) + "' is missing";
    } else if (slot.type->read(at->second, const_cast<void*>(slot.member))) {
      ++used;
    } else {
      problem = "attribute '" + std::string(slot.name) + "' has the wrong type";
    }
  }
  if (!problem.empty()) return invalid_model(problem);
  if (used == map.size()) return {};
  for (const auto& [name, value] : map)
    if (std::none_of(slots.begin(), slots.end(), [&name = name, opset](const FieldSlot& slot) {
          return slot.name == name && slot.is_in(opset);
        }))
      return unsupported("attribute '" + name + "' is not supported");
  return {};
}

AttrMap write_slots(std::span<const FieldSlot> slots, std::span<const FieldSlot> defaults,
                    int opset) {
  AttrMap map;
  for (size_t i = 0; i < slots.size(); ++i) {
    const FieldSlot& slot = slots[i];
    if (!slot.is_in(opset)) continue;
    if (!slot.range.required && slot.type->same(slot.member, defaults[i].member)) continue;
    if (auto value = slot.type->value(slot.member)) map.emplace(slot.name, std::move(*value));
  }
  return map;
}

std::vector<std::string> slot_names(std::span<const FieldSlot> slots) {
  std::vector<std::string> names;
  for (const FieldSlot& slot : slots) names.emplace_back(slot.name);
  return names;
}

}  // namespace octet::detail
