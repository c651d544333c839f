#include "runtime/session/binding.h"

#include <algorithm>

#include "engine/ops/transpose.h"
#include "runtime/memory/planner.h"
#include "runtime/session/bind_infer.h"
#include "runtime/session/step_cost.h"

namespace octet::runtime {
namespace {

// Nanoseconds on one thread below which sharing a step, or waking threads for a run, doesn't pay.
constexpr double kMinSharedStep = 10'000;
constexpr double kMinSharedRun = 60'000;

constexpr int64_t kMaxCount = int64_t{1} << 48;  // elements of a value
constexpr int64_t kUnknown = -1;
constexpr size_t kNoHost = SIZE_MAX;

std::optional<Tensor> host_tensor(DType dtype, const Dims& dims, const std::vector<Dim>& elements) {
  if (!all_known(elements)) return std::nullopt;
  const auto integers = known_dims(elements);
  if (checked_count(dims) != static_cast<int64_t>(integers.size())) return std::nullopt;
  std::optional<Tensor> tensor;
  visit_dtype(dtype, TypeList<int64_t, int32_t>{}, [&]<typename T>() {
    tensor = Tensor::of(dims, std::vector<T>(integers.begin(), integers.end()));
  });
  return tensor;
}

class Binder {
 public:
  Binder(std::shared_ptr<const Plan> plan, std::vector<Dims> input_dims, size_t width,
         bool share_small, const TypeGroups& groups)
      : plan_(*plan),
        graph_(*plan->graph),
        groups_(groups),
        types_(graph_, groups),
        width_(width),
        share_small_(share_small),
        bound_(std::make_shared<Binding>()) {
    bound_->plan = std::move(plan);
    bound_->input_dims = std::move(input_dims);
    bound_->slots = plan_.unbound;
    bound_->steps.resize(plan_.steps.size());
    bound_->dims.resize(groups.count);
    counts_.assign(groups.count, kUnknown);
    host_of_.assign(groups.count, kNoHost);
    relabels_.assign(plan_.steps.size(), -1);
  }

  Result<std::shared_ptr<const Binding>> run() {
    OCTET_RETURN_IF_ERROR(bind_inputs());
    OCTET_RETURN_IF_ERROR(infer());
    if (!types_.groups_agree()) return std::shared_ptr<const Binding>();
    OCTET_RETURN_IF_ERROR(place_slots());
    mark_skipped();
    choose_direct_outputs();
    share_bytes();
    plan_arena();
    size_steps();
    return std::shared_ptr<const Binding>(std::move(bound_));
  }

 private:
  Status bind_inputs() {
    size_t given = 0;
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      if (plan_.inputs[i] == kNoSlot) continue;
      const Value& value = graph_.value(graph_.inputs[i]);
      if (given >= bound_->input_dims.size())
        return Error{ErrorCode::invalid_data, "input '" + value.name + "' is missing"};
      const Dims& dims = bound_->input_dims[given++];
      if (value.type.kind != Type::Kind::tensor) continue;
      OCTET_RETURN_IF_ERROR(check_input(value, dims));
      types_.set_input(graph_.inputs[i], dims);
    }
    return {};
  }

  Status check_input(const Value& value, const Dims& dims) const {
    const std::string where = "input '" + value.name + "'";
    if (!checked_count(dims)) return invalid_data("{}: a negative or overflowing extent", where);
    if (!value.type.shape) return {};
    const Shape& shape = *value.type.shape;
    if (shape.size() != dims.size())
      return invalid_data("{}: rank {}, the model has {} {}", where, dims.size(), shape.size(),
                          to_string(shape));
    for (size_t i = 0; i < dims.size(); ++i)
      if (shape[i].known() && shape[i].value() != dims[i])
        return invalid_data("{}: axis {} is {}, the model has {}", where, i, dims[i],
                            shape[i].value());
    return {};
  }

  Status infer() {
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      const PlannedStep& step = plan_.steps[s];
      if (step.node == kNoNode) continue;
      if (groups_.repeats(step.node) && !types_.any_late() && step.bodies.empty() &&
          step.extent_inputs.empty())
        continue;  // Neither late nor new.
      const Node& node = graph_.node(step.node);
      bool late = !node.bodies.empty();
      for (const ValueId id : node.inputs) late = late || (id != kNoValue && !types_.has_dims(id));
      if (!groups_.repeats(step.node)) OCTET_RETURN_IF_ERROR(types_.infer(step.node, late));
      for (const ValueId id : node.outputs) late = late || (id != kNoValue && !types_.has_dims(id));
      late = late || judged_late(step);
      bound_->steps[s].late = late;
    }
    return {};
  }

  // Whether axes or extents become known in the run alone: inference judges them then, also where
  // it knows the results' dims without them.
  bool judged_late(const PlannedStep& step) const {
    const auto& inputs = graph_.node(step.node).inputs;
    return std::any_of(step.extent_inputs.begin(), step.extent_inputs.end(),
                       [&](size_t i) { return types_.elements(inputs[i]) == nullptr; });
  }

  Status place_slots() {
    for (const SlotId id : plan_.made) {
      const Slot& slot = plan_.slots[id];
      BoundSlot& bound = bound_->slots[id];
      if (!types_.has_dims(slot.value)) {
        bound.place = Place::late;
        continue;
      }
      OCTET_RETURN_IF_ERROR(size_slot(slot, bound));
      if (bound.place == Place::input) continue;
      bound.place = Place::arena;
      place_on_host(slot, bound);
    }
    // A conversion of a late slot is late as well.
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      const PlannedStep& step = plan_.steps[s];
      if (step.node == kNoNode)
        bound_->steps[s].late = bound_->slots[step.inputs[0]].place == Place::late;
    }
    return {};
  }

  Status size_slot(const Slot& slot, BoundSlot& bound) {
    const size_t group = groups_.of[slot.value];
    int64_t& count = counts_[group];
    if (count == kUnknown) {
      bound_->dims[group] = known_dims(types_.shape(slot.value));
      count = checked_count(bound_->dims[group]).value_or(kMaxCount + 1);
    }
    if (count > kMaxCount)
      return Error{ErrorCode::limit, "value '" + graph_.value(slot.value).name +
                                         "' has more elements than can be addressed"};
    bound.dims = &bound_->dims[group];
    bound.bytes = dtype_bytes(slot.dtype, static_cast<size_t>(count));
    return {};
  }

  void place_on_host(const Slot& slot, BoundSlot& bound) {
    const size_t group = groups_.of[slot.value];
    const auto* elements = types_.elements(slot.value);
    if (elements == nullptr) return;
    size_t& host = host_of_[group];
    if (host == kNoHost || bound_->hosts[host].dtype() != slot.dtype) {
      auto tensor = host_tensor(slot.dtype, *bound.dims, *elements);
      if (!tensor) return;
      host = bound_->hosts.size();
      bound_->hosts.push_back(std::move(*tensor));
    }
    bound.place = Place::host;
    bound.index = host;
  }

  // Steps whose results are known here, or read by no step that runs (their shapes alone were).
  void mark_skipped() {
    std::vector<bool> read(plan_.slots.size(), false);
    for (const SlotId id : plan_.outputs) read[id] = true;
    std::vector<size_t>& running = bound_->running;
    running.reserve(plan_.steps.size());
    for (size_t s = plan_.steps.size(); s-- > 0;) {
      const auto& outputs = plan_.steps[s].outputs;
      bound_->steps[s].skip =
          !bound_->steps[s].late && std::all_of(outputs.begin(), outputs.end(), [&](SlotId id) {
            return id == kNoSlot || bound_->slots[id].place == Place::host || !read[id];
          });
      if (bound_->steps[s].skip) {
        for (const SlotId id : outputs)
          if (id != kNoSlot && bound_->slots[id].place == Place::arena)
            bound_->slots[id].place = Place::none;
        continue;
      }
      running.push_back(s);
      for (const SlotId id : plan_.steps[s].inputs)
        if (id != kNoSlot) read[id] = true;
    }
    std::reverse(running.begin(), running.end());
  }

  // A result is made in the caller's memory when it is an arena slot of its own, asked for once.
  void choose_direct_outputs() {
    bound_->direct_outputs.assign(plan_.outputs.size(), false);
    for (size_t i = 0; i < plan_.outputs.size(); ++i) {
      const SlotId id = plan_.outputs[i];
      BoundSlot& slot = bound_->slots[id];
      if (slot.place != Place::arena || is_view(plan_.slots[id].producer)) continue;
      slot.place = Place::output;
      slot.index = i;
      bound_->direct_outputs[i] = true;
    }
  }

  bool is_view(size_t index) {
    const PlannedStep& step = plan_.steps[index];
    if (bound_->steps[index].late || step.inputs.empty() || step.inputs[0] == kNoSlot) return false;
    return step.alias == AliasRule::Kind::view || relabels(index);
  }

  // A Transpose or a change of layout after which every element lies where it was.
  bool relabels(size_t index) {
    const PlannedStep& step = plan_.steps[index];
    if (!step.relabels || step.outputs[0] == kNoSlot) return false;
    int8_t& known = relabels_[like(index)];
    if (known < 0) known = keeps_bytes(step) ? 1 : 0;
    return known != 0;
  }

  bool keeps_bytes(const PlannedStep& step) {
    const auto from = shapes_of(std::span(step.inputs).first(1), input_views_);
    const auto to = shapes_of(std::span(step.outputs).first(1), output_views_);
    if (step.node == kNoNode) return ops::keeps_bytes(from[0], to[0], {});
    if (bound_->slots[step.inputs[0]].dims == nullptr) return false;
    const auto axes = ops::transpose_axes(graph_.node(step.node), from[0].rank());
    return axes && ops::keeps_bytes(from[0], to[0], *axes);
  }

  // The step whose dims and forms are this one's, in this binding.
  size_t like(size_t index) const { return &groups_ == &plan_.types ? plan_.alike[index] : index; }

  // A slot without its bytes.
  void describe(SlotId id, TensorView& view) const {
    const Slot& slot = plan_.slots[id];
    const Dims* dims = bound_->slots[id].dims;
    view.dtype = slot.dtype;
    view.layout = slot.layout;
    view.quant = slot.quant.get();
    dims != nullptr ? view.dims.assign(dims->begin(), dims->end()) : view.dims.clear();
  }

  // The slot whose bytes these are, while views of views are still being found.
  SlotId root_of(SlotId id) const {
    while (bound_->slots[id].root != id) id = bound_->slots[id].root;
    return id;
  }

  void share_bytes() {
    last_read_.assign(plan_.slots.size(), 0);
    for (const size_t s : bound_->running) {
      const PlannedStep& step = plan_.steps[s];
      if (!is_view(s)) continue;
      const SlotId in = step.inputs[0];
      BoundSlot& out = bound_->slots[step.outputs[0]];
      if (bound_->slots[in].place == Place::late || out.bytes != bound_->slots[in].bytes) continue;
      out.root = root_of(in);
      bound_->steps[s].skip = true;
    }
    std::erase_if(bound_->running, [&](size_t s) { return bound_->steps[s].skip; });
    for (const size_t s : bound_->running)
      for (const SlotId id : plan_.steps[s].inputs)
        if (id != kNoSlot) last_read_[root_of(id)] = s;
    for (const SlotId id : plan_.outputs) last_read_[root_of(id)] = plan_.steps.size();
    for (const size_t s : bound_->running) overwrite_input(s);
    for (const SlotId id : plan_.made) bound_->slots[id].root = root_of(id);
  }

  void overwrite_input(size_t s) {
    const PlannedStep& step = plan_.steps[s];
    if (step.alias != AliasRule::Kind::in_place || bound_->steps[s].late) return;
    if (step.inputs.empty() || step.inputs[0] == kNoSlot || step.outputs[0] == kNoSlot) return;
    const SlotId root = root_of(step.inputs[0]);
    BoundSlot& out = bound_->slots[step.outputs[0]];
    if (out.place != Place::arena || bound_->slots[root].place != Place::arena ||
        last_read_[root] != s || out.bytes != bound_->slots[step.inputs[0]].bytes)
      return;
    // Another operand that is a view of the same bytes under other dims would see them change.
    for (size_t i = 1; i < step.inputs.size(); ++i)
      if (step.inputs[i] != kNoSlot && root_of(step.inputs[i]) == root &&
          step.inputs[i] != step.inputs[0])
        return;
    out.root = root;
    last_read_[root] = last_read_[step.outputs[0]];
  }

  void plan_arena() {
    std::vector<SlotId> roots;
    std::vector<Lifetime> lifetimes;
    roots.reserve(bound_->running.size());
    lifetimes.reserve(bound_->running.size());
    for (const size_t s : bound_->running) {
      for (const SlotId id : plan_.steps[s].outputs) {
        if (id == kNoSlot) continue;
        const BoundSlot& slot = bound_->slots[id];
        if (slot.place != Place::arena || slot.root != id) continue;
        roots.push_back(id);
        lifetimes.push_back({slot.bytes, s, std::max(s, last_read_[id])});
      }
    }
    const MemoryPlan memory = plan_memory(lifetimes);
    for (size_t i = 0; i < roots.size(); ++i) bound_->slots[roots[i]].offset = memory.offsets[i];
    bound_->arena_bytes = memory.bytes;
  }

  // In memory that the steps take after one another.
  std::span<TensorView> shapes_of(std::span<const SlotId> ids, std::vector<TensorView>& views) {
    if (views.size() < ids.size()) views.resize(ids.size());
    for (size_t i = 0; i < ids.size(); ++i)
      if (ids[i] != kNoSlot)
        describe(ids[i], views[i]);
      else
        views[i] = {};
    return std::span(views).first(ids.size());
  }

  // Scratch, and the steps that are worth several threads.
  void size_steps() {
    double wide_cost = 0;
    std::vector<double> costs(plan_.steps.size(), -1);  // Nanoseconds, where they are known.
    for (const size_t s : bound_->running) {
      BoundStep& bound = bound_->steps[s];
      if (bound.late) continue;
      if (const size_t first = like(s); costs[first] >= 0) {
        bound.wide = bound_->steps[first].wide;
        if (bound.wide) wide_cost += costs[first];
        continue;
      }
      const PlannedStep& step = plan_.steps[s];
      const auto inputs = shapes_of(step.inputs, input_views_);
      const auto outputs = shapes_of(step.outputs, output_views_);
      // A wide step, too, runs alone where the whole run isn't worth several threads.
      const size_t alone = step.step->scratch_bytes(inputs, outputs, 1);
      if (width_ == 1) {
        bound_->scratch_bytes = std::max(bound_->scratch_bytes, alone);
        costs[s] = 0;
        continue;
      }
      const size_t shared = step.step->scratch_bytes(inputs, outputs, width_);
      const double cost = costs[s] = cost_of(step, inputs, outputs);
      bound.wide = share_small_ || cost >= kMinSharedStep;
      bound_->scratch_bytes =
          std::max({bound_->scratch_bytes, alone, bound.wide ? shared : size_t{0}});
      if (bound.wide) wide_cost += cost;
    }
    bound_->wide = width_ > 1 && (share_small_ || wide_cost >= kMinSharedRun);
    if (bound_->wide) return;
    for (BoundStep& step : bound_->steps) step.wide = step.late;
  }

  double cost_of(const PlannedStep& step, std::span<TensorView> inputs,
                 std::span<const TensorView> outputs) const {
    const OpDef* op = step.node == kNoNode ? nullptr : graph_.node(step.node).op;
    // Of a table that it takes a little of, a step doesn't read all.
    if (op == nullptr || op->macs == nullptr)
      for (size_t i = 0; i < inputs.size(); ++i)
        if (step.inputs[i] != kNoSlot && plan_.slots[step.inputs[i]].constant)
          inputs[i].dtype = DType::undefined;
    return step_cost(op, inputs, outputs, step.info.isa);
  }

  const Plan& plan_;
  const Graph& graph_;
  const TypeGroups& groups_;
  BoundTypes types_;
  size_t width_;
  bool share_small_;
  std::shared_ptr<Binding> bound_;
  // By group: elements, and the place among the binding's hosts.
  std::vector<int64_t> counts_;
  std::vector<size_t> host_of_;
  std::vector<size_t> last_read_;
  std::vector<int8_t> relabels_;  // By step; -1 while it isn't known.
  std::vector<TensorView> input_views_, output_views_;
};

}  // namespace

Result<std::shared_ptr<const Binding>> bind(std::shared_ptr<const Plan> plan,
                                            std::vector<Dims> input_dims, size_t width,
                                            bool share_small) {
  auto bound = Binder(plan, input_dims, width, share_small, plan->types).run();
  // Groups whose values differ can also make a node refuse what it would take.
  if (bound.ok() && *bound != nullptr) return bound;
  const TypeGroups groups = ungrouped_types(*plan->graph);
  return Binder(std::move(plan), std::move(input_dims), width, share_small, groups).run();
}

}  // namespace octet::runtime
