#include "runtime/session/step_context.h"

namespace octet::runtime {

Result<std::vector<Tensor>> ProgramBodies::run(size_t body, std::vector<Tensor> inputs) {
  return bodies_[body]->run(inputs);
}

StepContext::StepContext(Execution& execution, size_t step, CpuToken cpu)
    : RunContext(cpu), execution_(execution), step_(execution.plan_.steps[step]) {
  node_ = step_.node == kNoNode ? nullptr : &execution.plan_.graph->node(step_.node);
  inputs_.resize(step_.inputs.size());
  outputs_.resize(step_.outputs.size());
  wanted_.reserve(step_.outputs.size());
  for (const SlotId id : step_.outputs) {
    wanted_.push_back(id != kNoSlot);
    gives_boxed_ = gives_boxed_ || (id != kNoSlot && execution.plan_.slots[id].boxed);
  }
}

void StepContext::refresh_inputs() {
  for (size_t i = 0; i < inputs_.size(); ++i)
    if (step_.inputs[i] != kNoSlot) inputs_[i] = execution_.view(step_.inputs[i]);
}

Status StepContext::allocate(size_t i, Dims dims) {
  const SlotId id = step_.outputs[i];
  if (id == kNoSlot) return {};
  if (execution_.plan_.slots[id].boxed) {
    outputs_[i].dims = std::move(dims);
    return {};
  }
  if (execution_.binding_->slots[id].place != Place::late) {
    if (dims == outputs_[i].dims) return {};
    return invalid_data("a result's dims differ from those inferred");
  }
  OCTET_ASSIGN(execution_.late_[id], Tensor::zeros(outputs_[i].dtype, dims));
  outputs_[i].data = execution_.late_[id].writable();
  outputs_[i].dims = std::move(dims);
  return {};
}

Status StepContext::set_boxed(size_t i, Tensor value) {
  const SlotId id = step_.outputs[i];
  if (id == kNoSlot) return {};
  const Type& type = execution_.plan_.type_of(id);
  if (!value.boxed() || value.is_list() == (type.kind == Type::Kind::tensor))
    return invalid_data("output {} is no {}", i, type.to_string());
  execution_.late_[id] = std::move(value);
  return {};
}

bool StepContext::stopped() const { return execution_.stop_->requested(); }

BodyRunner* StepContext::bodies() {
  if (step_.bodies.empty()) return nullptr;
  bodies_.emplace(step_.bodies);
  return &*bodies_;
}

}  // namespace octet::runtime
