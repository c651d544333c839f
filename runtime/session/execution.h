#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <vector>

#include "engine/ir/stop.h"
#include "runtime/memory/growing.h"
#include "runtime/session/binding.h"
#include "runtime/session/options.h"
#include "runtime/session/program.h"

namespace octet::runtime {

class StepContext;

/// What a run works in, whatever its dims.
struct RunMemory {
  GrowingMemory arena;
  GrowingMemory scratch;
};

/// Views over a binding, and one run's memory; reused by later runs, never by two at a time.
class Execution {
 public:
  Execution(std::shared_ptr<const Binding> binding, Parallel& parallel,
            const CompileOptions& options);
  ~Execution();

  const std::shared_ptr<const Binding>& binding() const { return binding_; }
  /// Moves it, while it isn't running, to other dims of the same plan; cheaper than a new one.
  void rebind(std::shared_ptr<const Binding> binding);
  /// Runs in `memory`, which grows as it has to.
  Status run(RunMemory& memory, std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
             const RunOptions& options);

 private:
  using Clock = std::chrono::steady_clock;

  struct Moving {
    SlotId slot;
    std::byte* const* memory;  ///< callers_memory
    TensorView* view;
  };

  friend class StepContext;
  void bind_steps();
  Status size_memory();
  Status run_steps(std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
                   const RunOptions& options);
  std::byte* address(SlotId id) const;
  /// Where the address of the caller's memory is noted in each run; null for other slots.
  std::byte* const* callers_memory(SlotId id) const;
  Status attach(std::span<const Tensor> inputs, std::span<OutputTarget> outputs);
  /// Runs a step and tells the profile of it; `begin` is when the run began.
  Status run_step(size_t s, const RunOptions& options, Clock::time_point begin);
  Status run_kernel(size_t s);
  /// Why a step failed: with its label, or that the run was to end.
  Error explained(size_t s, Error error) const;
  Status prepare_late(size_t s);
  /// That a step gave its strings and lists.
  Status check_boxed(const PlannedStep& step) const;
  Status collect(std::span<OutputTarget> outputs);
  void observe(size_t s, const RunOptions& options) const;
  const Dims& dims_of(SlotId id) const;
  void describe(SlotId id, TensorView& view) const;
  /// Sets the dims and the data of a view that describes the slot.
  void move(SlotId id, TensorView& view) const;
  TensorView view(SlotId id) const;
  /// Multiply-accumulates of each step at this binding's dims; 0 where data decides.
  const std::vector<int64_t>& step_macs();

  std::shared_ptr<const Binding> binding_;
  const Plan& plan_;
  const CompileOptions& options_;
  RunMemory* memory_ = nullptr;                         ///< During a run.
  std::vector<std::unique_ptr<StepContext>> contexts_;  ///< By step; null for skipped ones.
  std::vector<std::byte*> inputs_;
  std::vector<std::byte*> outputs_;
  /// The steps' ports whose memory may be another one in each run; that of others follows the
  /// arena.
  std::vector<Moving> moving_;
  std::byte* arena_ = nullptr;  ///< Where it was in the last run.
  std::vector<Tensor> late_;    ///< By slot: tensors made while running.
  std::vector<int64_t> macs_;
  const StopScope* stop_ = nullptr;  ///< During a run.
  SerialParallel serial_;
  StoppableParallel alone_{serial_, stop_};
  StoppableParallel shared_;
};

}  // namespace octet::runtime
