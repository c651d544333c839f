#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/session/binding.h"
#include "runtime/session/options.h"
#include "runtime/session/program.h"

namespace octet::runtime {

class StepContext;

/// One run's memory and views over a binding; reused by later runs, never by two at a time.
class Execution {
 public:
  static Result<std::unique_ptr<Execution>> make(std::shared_ptr<const Binding> binding,
                                                 Parallel& parallel, const CompileOptions& options);
  ~Execution();

  const std::shared_ptr<const Binding>& binding() const { return binding_; }
  Status run(std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
             const RunOptions& options);

 private:
  friend class StepContext;
  Execution(std::shared_ptr<const Binding> binding, const CompileOptions& options);
  void make_contexts(Parallel& parallel);
  /// Scratch of at least this size for all steps.
  Status grow_scratch(size_t bytes);
  std::byte* address(SlotId id) const;
  Status attach(std::span<const Tensor> inputs, std::span<OutputTarget> outputs);
  Status run_step(size_t s, const RunOptions& options);
  Status prepare_late(size_t s);
  /// That a step gave its strings and lists.
  Status check_boxed(const PlannedStep& step) const;
  Status collect(std::span<OutputTarget> outputs);
  void observe(size_t s, const RunOptions& options) const;
  TensorView view(SlotId id) const;
  /// Multiply-accumulates of each step at this binding's dims; 0 where data decides.
  const std::vector<int64_t>& step_macs();

  std::shared_ptr<const Binding> binding_;
  const Plan& plan_;
  const CompileOptions& options_;
  std::shared_ptr<std::byte> arena_;
  std::shared_ptr<std::byte> scratch_;
  size_t scratch_bytes_ = 0;
  std::vector<std::unique_ptr<StepContext>> contexts_;
  std::vector<std::byte*> inputs_;
  std::vector<std::byte*> outputs_;
  std::vector<Tensor> late_;  ///< By slot: tensors made while running.
  std::vector<int64_t> macs_;
  const RunOptions* run_options_ = nullptr;
};

}  // namespace octet::runtime
