#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/session/binding.h"
#include "runtime/session/options.h"
#include "runtime/session/program.h"

namespace octet::runtime {

class StepContext;

/// Memory that grows and stays.
struct GrowingMemory {
  std::shared_ptr<std::byte> data;
  size_t bytes = 0;

  /// Makes it at least `size` bytes, and half as large again as it was: a length that grows from
  /// run to run then seldom needs more. What it held is lost.
  Status grow(size_t size);
};

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
  /// Runs in `memory`, which grows as it has to.
  Status run(RunMemory& memory, std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
             const RunOptions& options);

 private:
  friend class StepContext;
  Status size_memory();
  Status run_steps(std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
                   const RunOptions& options);
  std::byte* address(SlotId id) const;
  Status attach(std::span<const Tensor> inputs, std::span<OutputTarget> outputs);
  Status run_step(size_t s, const RunOptions& options);
  Status prepare_late(size_t s);
  /// That a step gave its strings and lists.
  Status check_boxed(const PlannedStep& step) const;
  Status collect(std::span<OutputTarget> outputs);
  void observe(size_t s, const RunOptions& options) const;
  const Dims& dims_of(SlotId id) const;
  TensorView view(SlotId id) const;
  /// Multiply-accumulates of each step at this binding's dims; 0 where data decides.
  const std::vector<int64_t>& step_macs();

  std::shared_ptr<const Binding> binding_;
  const Plan& plan_;
  const CompileOptions& options_;
  RunMemory* memory_ = nullptr;  ///< During a run.
  SerialParallel serial_;
  std::vector<std::unique_ptr<StepContext>> contexts_;  ///< By step; null for skipped ones.
  std::vector<std::byte*> inputs_;
  std::vector<std::byte*> outputs_;
  std::vector<Tensor> late_;  ///< By slot: tensors made while running.
  std::vector<int64_t> macs_;
  const RunOptions* run_options_ = nullptr;
};

}  // namespace octet::runtime
