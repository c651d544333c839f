#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/session/plan.h"

namespace octet::runtime {

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

struct BoundStep {
  bool skip = false;  ///< A view, host values, or what nobody reads.
  bool late = false;  ///< Its dims are inferred when it runs.
  bool wide = true;   ///< Several threads may share it; else it is too small for that.
};

/// A plan with known input dims: the place of every slot. Immutable; shared by concurrent runs.
struct Binding {
  std::shared_ptr<const Plan> plan;
  std::vector<Dims> input_dims;
  std::vector<BoundSlot> slots;
  std::vector<BoundStep> steps;
  std::vector<size_t> running;  ///< The steps that aren't skipped, in their order.
  std::vector<Dims> dims;       ///< By group (TypeGroups).
  std::vector<Tensor> hosts;
  size_t arena_bytes = 0;
  size_t scratch_bytes = 0;
  bool wide = false;  ///< One of its steps is.
  /// For each result, whether its bytes are made in place of the result; copied otherwise.
  std::vector<bool> direct_outputs;
};

/// Binds a plan for runs on `width` threads; `share_small`: as in CompileOptions. Fails when dims
/// contradict the model: "input 'x': axis 2 is 81, not 80".
Result<std::shared_ptr<const Binding>> bind(std::shared_ptr<const Plan> plan,
                                            std::vector<Dims> input_dims, size_t width,
                                            bool share_small = false);

}  // namespace octet::runtime
