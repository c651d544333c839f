#pragma once

#include <optional>

#include "engine/ops/step.h"
#include "runtime/session/execution.h"

namespace octet::runtime {

/// Bodies of a step; its run's StopScope is the thread's and ends them, too.
class ProgramBodies final : public BodyRunner {
 public:
  explicit ProgramBodies(const std::vector<std::shared_ptr<Program>>& bodies) : bodies_(bodies) {}
  Result<std::vector<Tensor>> run(size_t body, std::vector<Tensor> inputs) override;

 private:
  const std::vector<std::shared_ptr<Program>>& bodies_;
};

/// What a step of an execution sees of it: its ports' views, which the execution points at memory.
class StepContext final : public RunContext {
 public:
  StepContext(Execution& execution, size_t step, CpuToken cpu);

  void share_among(Parallel& parallel) { parallel_ = &parallel; }

  /// f(slot, view) for each port that is there.
  template <typename F>
  void each_port(F f) {
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (step_.inputs[i] != kNoSlot) f(step_.inputs[i], inputs_[i]);
    for (size_t i = 0; i < outputs_.size(); ++i)
      if (step_.outputs[i] != kNoSlot) f(step_.outputs[i], outputs_[i]);
  }
  /// Takes the inputs again, whose dims were found while running.
  void refresh_inputs();
  void set_scratch(std::span<std::byte> scratch) { scratch_ = scratch; }
  std::span<const TensorView> inputs() const { return inputs_; }
  std::span<const TensorView> outputs() const { return outputs_; }
  bool gives_boxed() const { return gives_boxed_; }

  Status allocate(size_t i, Dims dims) override;
  Status set_boxed(size_t i, Tensor value) override;
  bool stopped() const override;
  BodyRunner* bodies() override;

 private:
  Execution& execution_;
  const PlannedStep& step_;
  bool gives_boxed_ = false;
  std::optional<ProgramBodies> bodies_;
};

}  // namespace octet::runtime
