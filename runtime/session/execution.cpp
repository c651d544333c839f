#include "runtime/session/execution.h"

#include <algorithm>
#include <cstring>

#include "engine/ir/memory.h"
#include "runtime/session/bind_infer.h"
#include "runtime/session/step_context.h"

namespace octet::runtime {
namespace {

constexpr size_t kMaxElements = 1024;

std::optional<std::vector<Dim>> elements_of(const TensorView& view) {
  const bool integer = dtype_is_integer(view.dtype) || view.dtype == DType::boolean;
  if (!integer || view.quant != nullptr || view.count() > static_cast<int64_t>(kMaxElements))
    return std::nullopt;
  const auto values = Tensor(view.dtype, view.dims, view.bytes(), nullptr).to_int64();
  return std::vector<Dim>(values.begin(), values.end());
}

// "the arena of 4096 bytes, most of it 'y' of Conv 'c'", for messages.
std::string describe_arena(const Binding& binding) {
  const Plan& plan = *binding.plan;
  SlotId largest = kNoSlot;
  for (SlotId id = 0; id < binding.slots.size(); ++id) {
    const BoundSlot& slot = binding.slots[id];
    if (slot.place != Place::arena || slot.root != id) continue;
    if (largest == kNoSlot || slot.bytes > binding.slots[largest].bytes) largest = id;
  }
  std::string text = "the arena of " + std::to_string(binding.arena_bytes) + " bytes";
  if (largest == kNoSlot) return text;
  const Slot& slot = plan.slots[largest];
  const NodeId node = plan.steps[slot.producer].node;
  return text + ", " + std::to_string(binding.slots[largest].bytes) + " of them for value '" +
         plan.graph->value(slot.value).name + "'" +
         (node == kNoNode ? "" : " of " + plan.graph->node(node).label());
}

}  // namespace

Execution::Execution(std::shared_ptr<const Binding> binding, Parallel& parallel,
                     const CompileOptions& options)
    : binding_(std::move(binding)),
      plan_(*binding_->plan),
      options_(options),
      inputs_(plan_.inputs.size(), nullptr),
      outputs_(plan_.outputs.size(), nullptr),
      late_(plan_.slots.size()),
      shared_(parallel, stop_) {
  contexts_.resize(plan_.steps.size());
  bind_steps();
}

void Execution::bind_steps() {
  moving_.clear();
  arena_ = nullptr;
  for (const size_t s : binding_->running) {
    const bool fresh = contexts_[s] == nullptr;
    if (fresh) contexts_[s] = std::make_unique<StepContext>(*this, s, options_.cpu);
    contexts_[s]->share_among(binding_->steps[s].wide ? shared_ : alone_);
    contexts_[s]->each_port([&](SlotId id, TensorView& view) {
      const Place place = binding_->slots[binding_->slots[id].root].place;
      if (fresh)
        describe(id, view);
      else if (binding_->slots[id].place != Place::constant)
        move(id, view);
      if (place == Place::input || place == Place::output || place == Place::late)
        moving_.push_back({id, callers_memory(id), &view});
    });
  }
}

void Execution::rebind(std::shared_ptr<const Binding> binding) {
  for (const Moving& moving : moving_) late_[moving.slot] = Tensor();
  binding_ = std::move(binding);
  macs_.clear();
  for (size_t s = 0; s < plan_.steps.size(); ++s)
    if (binding_->steps[s].skip) contexts_[s].reset();
  bind_steps();
}

Execution::~Execution() = default;

Status Execution::size_memory() {
  if (auto status = memory_->arena.grow(binding_->arena_bytes); !status)
    return std::move(status).error().in(describe_arena(*binding_));
  if (auto status = memory_->scratch.grow(binding_->scratch_bytes); !status)
    return std::move(status).error().in("the steps' scratch");
  return {};
}

std::byte* Execution::address(SlotId id) const {
  const SlotId root_id = binding_->slots[id].root;
  const BoundSlot& root = binding_->slots[root_id];
  const auto bytes_of = [](const Tensor& tensor) {
    return const_cast<std::byte*>(tensor.bytes().data());
  };
  switch (root.place) {
    case Place::arena:
      return memory_ == nullptr ? nullptr : memory_->arena.data.get() + root.offset;
    case Place::constant: return bytes_of(*plan_.slots[root_id].constant);
    case Place::host: return bytes_of(binding_->hosts[root.index]);
    case Place::input: return inputs_[root.index];
    case Place::output: return outputs_[root.index];
    case Place::late: return bytes_of(late_[root_id]);
    case Place::none: return nullptr;
  }
  return nullptr;
}

std::byte* const* Execution::callers_memory(SlotId id) const {
  const BoundSlot& root = binding_->slots[binding_->slots[id].root];
  if (root.place == Place::input) return &inputs_[root.index];
  return root.place == Place::output ? &outputs_[root.index] : nullptr;
}

const Dims& Execution::dims_of(SlotId id) const {
  const BoundSlot& bound = binding_->slots[id];
  return bound.place == Place::late ? late_[id].dims() : *bound.dims;
}

void Execution::move(SlotId id, TensorView& view) const {
  const Dims& dims = dims_of(id);
  view.dims.assign(dims.begin(), dims.end());
  view.data = address(id);
}

void Execution::describe(SlotId id, TensorView& view) const {
  move(id, view);
  const Slot& slot = plan_.slots[id];
  view.dtype = slot.dtype;
  view.layout = slot.layout;
  view.quant = slot.quant.get();
  const Tensor* held = slot.constant ? &*slot.constant : &late_[id];
  view.boxed = slot.boxed ? held : nullptr;
}

TensorView Execution::view(SlotId id) const {
  TensorView view;
  describe(id, view);
  return view;
}

Status Execution::attach(std::span<const Tensor> inputs, std::span<OutputTarget> outputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    inputs_[i] = const_cast<std::byte*>(inputs[i].bytes().data());
  size_t given = 0;
  for (const SlotId id : plan_.inputs) {
    if (id == kNoSlot) continue;
    if (plan_.slots[id].boxed) late_[id] = inputs[given];
    ++given;
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const SlotId id = plan_.outputs[i];
    if (!binding_->direct_outputs[i]) continue;
    const BoundSlot& bound = binding_->slots[id];
    OutputTarget& target = outputs[i];
    target.dims = *bound.dims;
    if (target.data != nullptr) {
      if (target.capacity < bound.bytes)
        return Error{ErrorCode::invalid_argument, "the memory for output " + std::to_string(i) +
                                                      " is smaller than its " +
                                                      std::to_string(bound.bytes) + " bytes"};
      outputs_[i] = target.data;
    } else {
      auto made = Tensor::zeros(plan_.slots[id].dtype, *bound.dims);
      if (!made)
        return std::move(made).error().in("output '" +
                                          plan_.graph->value(plan_.slots[id].value).name + "'");
      target.tensor = std::move(*made);
      outputs_[i] = target.tensor.writable();
    }
  }
  const auto point = [&](SlotId id, TensorView& view) { view.data = address(id); };
  if (arena_ != memory_->arena.data.get()) {
    arena_ = memory_->arena.data.get();
    for (const auto& context : contexts_)
      if (context) context->each_port(point);
  } else {
    for (const Moving& moving : moving_)
      moving.view->data = moving.memory != nullptr ? *moving.memory : address(moving.slot);
  }
  return {};
}

Status Execution::run(RunMemory& memory, std::span<const Tensor> inputs,
                      std::span<OutputTarget> outputs, const RunOptions& options) {
  const StopScope stop(options.deadline, options.cancelled);
  stop_ = &stop;
  memory_ = &memory;
  auto status = size_memory();
  if (status.ok()) status = run_steps(inputs, outputs, options);
  memory_ = nullptr;
  stop_ = nullptr;
  return status;
}

Status Execution::run_steps(std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
                            const RunOptions& options) {
  OCTET_RETURN_IF_ERROR(attach(inputs, outputs));
  if (options.profile) step_macs();
  const auto begin = Clock::now();
  if (options.observer)
    for (const SlotId id : plan_.inputs)
      if (id != kNoSlot && !plan_.slots[id].boxed)
        options.observer(plan_.graph->value(plan_.slots[id].value).name, view(id));
  if (!options.observer) {
    for (const size_t s : binding_->running) OCTET_RETURN_IF_ERROR(run_step(s, options, begin));
    return collect(outputs);
  }
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    if (!binding_->steps[s].skip) OCTET_RETURN_IF_ERROR(run_step(s, options, begin));
    observe(s, options);
  }
  return collect(outputs);
}

Status Execution::run_step(size_t s, const RunOptions& options, Clock::time_point begin) {
  const PlannedStep& step = plan_.steps[s];
  if (stop_->requested())
    return Error{ErrorCode::deadline, "the run was stopped before '" + step.name + "'"};
  if (!options.profile) return run_kernel(s);
  const auto start = Clock::now();
  OCTET_RETURN_IF_ERROR(run_kernel(s));
  const auto op = step.node == kNoNode ? std::string_view() : plan_.graph->node(step.node).op->name;
  options.profile({step.name, op, &step.info, start - begin, Clock::now() - start,
                   macs_.empty() ? 0 : macs_[s]});
  return {};
}

[[gnu::cold]] const std::vector<int64_t>& Execution::step_macs() {
  if (!macs_.empty() || plan_.steps.empty()) return macs_;
  macs_.assign(plan_.steps.size(), 0);
  const auto typed = plan_.graph->clone();
  size_t given = 0;
  for (size_t i = 0; i < plan_.inputs.size(); ++i)
    if (plan_.inputs[i] != kNoSlot)
      typed->value(typed->inputs[i]).type.shape = to_shape(binding_->input_dims[given++]);
  if (!infer_graph(*typed)) return macs_;
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    const NodeId id = plan_.steps[s].node;
    if (id == kNoNode || typed->node(id).op->macs == nullptr) continue;
    const auto macs = typed->node(id).op->macs(*typed, typed->node(id));
    if (macs && macs->known()) macs_[s] = macs->value();
  }
  return macs_;
}

Status Execution::run_kernel(size_t s) {
  const PlannedStep& step = plan_.steps[s];
  StepContext& context = *contexts_[s];
  auto status = catch_memory_errors([&]() -> Status {
    if (binding_->steps[s].late) OCTET_RETURN_IF_ERROR(prepare_late(s));
    context.set_scratch({memory_->scratch.data.get(), memory_->scratch.bytes});
    auto done = step.step->run(context);
    if (!done.ok() || !context.gives_boxed()) return done;
    return check_boxed(step);
  });
  if (status.ok()) return status;
  return explained(s, std::move(status).error());
}

Error Execution::explained(size_t s, Error error) const {
  const PlannedStep& step = plan_.steps[s];
  if (stop_->requested())
    return {ErrorCode::deadline, "the run was stopped in '" + step.name + "'"};
  const std::string label = step.node == kNoNode ? step.name : plan_.graph->node(step.node).label();
  return std::move(error).in(label);
}

Status Execution::check_boxed(const PlannedStep& step) const {
  for (const SlotId id : step.outputs)
    if (id != kNoSlot && plan_.slots[id].boxed && !late_[id].boxed())
      return unsupported("results of {} aren't made here", plan_.type_of(id).to_string());
  return {};
}

[[gnu::cold]] Status Execution::prepare_late(size_t s) {
  const PlannedStep& step = plan_.steps[s];
  StepContext& context = *contexts_[s];
  context.refresh_inputs();
  for (const SlotId id : step.outputs)
    if (id != kNoSlot && plan_.slots[id].boxed) late_[id] = Tensor();
  if (step.node == kNoNode) {
    OCTET_RETURN_IF_ERROR(context.allocate(0, context.input(0).dims));
  } else {
    const Node& node = plan_.graph->node(step.node);
    std::vector<Type> types;
    std::vector<std::optional<std::vector<Dim>>> elements;
    std::vector<const Tensor*> constants;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      types.emplace_back();
      elements.emplace_back();
      constants.push_back(nullptr);
      if (!node.has_input(i)) continue;
      const TensorView& in = context.input(i);
      const Type& known = plan_.graph->value(node.inputs[i]).type;
      types[i] =
          known.kind == Type::Kind::tensor ? Type::tensor(known.dtype, to_shape(in.dims)) : known;
      elements[i] = elements_of(in);
      const auto& constant = plan_.slots[step.inputs[i]].constant;
      if (constant) constants[i] = &*constant;
    }
    OCTET_ASSIGN(const auto outputs,
                 infer_late(node, std::move(types), std::move(elements), constants));
    for (size_t i = 0; i < step.outputs.size(); ++i)
      if (step.outputs[i] != kNoSlot && outputs[i].has_known_shape())
        OCTET_RETURN_IF_ERROR(context.allocate(i, known_dims(*outputs[i].shape)));
  }
  const size_t scratch =
      step.step->scratch_bytes(context.inputs(), context.outputs(), context.parallel().width());
  return memory_->scratch.grow(scratch);
}

void Execution::observe(size_t s, const RunOptions& options) const {
  for (const SlotId id : plan_.steps[s].outputs)
    if (id != kNoSlot && !plan_.slots[id].boxed && binding_->slots[id].place != Place::none)
      options.observer(plan_.graph->value(plan_.slots[id].value).name, view(id));
}

Status Execution::collect(std::span<OutputTarget> outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (binding_->direct_outputs[i]) continue;
    OutputTarget& target = outputs[i];
    const SlotId id = plan_.outputs[i];
    const TensorView result = view(id);
    target.dims = dims_of(id);
    if (result.boxed != nullptr) {
      if (target.data != nullptr)
        return Error{ErrorCode::invalid_argument,
                     "output " + std::to_string(i) + " holds strings or a list: no memory for it"};
      target.tensor = *result.boxed;
      continue;
    }
    const DType dtype = plan_.slots[id].dtype;
    const auto count = static_cast<size_t>(checked_count(target.dims).value_or(0));
    const std::span<const std::byte> bytes(address(id), dtype_bytes(dtype, count));
    if (target.data == nullptr) {
      target.tensor = Tensor::copy(dtype, target.dims, bytes);
      continue;
    }
    if (target.capacity < bytes.size())
      return Error{ErrorCode::invalid_argument,
                   "the memory for output " + std::to_string(i) + " is too small"};
    if (!bytes.empty()) std::memcpy(target.data, bytes.data(), bytes.size());
  }
  return {};
}

}  // namespace octet::runtime
