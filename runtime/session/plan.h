#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/ops/op.h"
#include "runtime/session/bound_slot.h"
#include "runtime/session/type_groups.h"

namespace octet::runtime {

class Program;

inline constexpr size_t kNoStep = SIZE_MAX;

/// One stored form of a value: codes or real elements, in one layout.
struct Slot {
  ValueId value = kNoValue;
  DType dtype = DType::undefined;  ///< Of the bytes.
  QuantPtr quant;                  ///< Set when the bytes are codes.
  Layout layout = Layout::row_major;
  bool boxed = false;  ///< As the value's type.
  std::optional<Tensor> constant;
  size_t producer = kNoStep;  ///< kNoStep for inputs and constants.
};

/// A prepared step with the slots of its ports. A conversion (no node) keeps its input's dims.
struct PlannedStep {
  std::unique_ptr<Step> step;
  NodeId node = kNoNode;
  std::vector<SlotId> inputs;
  std::vector<SlotId> outputs;
  std::vector<size_t> packed_inputs;  ///< Constants that the step packed: it reads only their dims.
  std::vector<size_t> extent_inputs;  ///< Not constant, of axes or extents that inference judges.
  AliasRule::Kind alias = AliasRule::Kind::none;
  bool relabels = false;  ///< A Transpose or a conversion: a view where all elements stay in place.
  std::string name;       ///< The node's name, or "convert:" and the value's.
  StepInfo info;
  std::vector<std::shared_ptr<Program>> bodies;
};

/// A lowered graph: what every run of a compiled model shares. Immutable after lowering.
struct Plan {
  std::shared_ptr<Graph> graph;
  std::vector<Slot> slots;
  std::vector<PlannedStep> steps;
  std::vector<SlotId> inputs;   ///< One a graph input; kNoSlot for one with a default value.
  std::vector<SlotId> outputs;  ///< Row-major, of the logical dtype.
  TypeGroups types;
  std::vector<size_t> alike;       ///< alike_steps.
  std::vector<BoundSlot> unbound;  ///< unbound_slots, once the constants are where they stay.
  std::vector<SlotId> made;        ///< The slots that aren't constant.

  /// The extents of a slot's value are logical, so all forms of a value share them.
  const Type& type_of(SlotId id) const { return graph->value(slots[id].value).type; }
};

}  // namespace octet::runtime
