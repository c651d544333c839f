#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/session/plan.h"

namespace octet::runtime {

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
