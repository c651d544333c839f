#include "runtime/session/binding.h"

#include "engine/ops/infer.h"
#include "tests/models/bundled.h"

using namespace octet;
using namespace octet::runtime;
using namespace octet::testing;

namespace {

// The plan's graph with every type inferred from these inputs, node by node.
std::shared_ptr<Graph> inferred(const Plan& plan, const std::vector<Tensor>& inputs) {
  const auto graph = plan.graph->clone();
  size_t given = 0;
  for (size_t i = 0; i < plan.inputs.size(); ++i)
    if (plan.inputs[i] != kNoSlot)
      graph->value(graph->inputs[i]).type.shape = to_shape(inputs[given++].dims());
  REQUIRE(infer_graph(*graph).ok());
  return graph;
}

void check_slots(const Binding& binding, const Graph& graph) {
  for (SlotId id = 0; id < binding.slots.size(); ++id) {
    const BoundSlot& slot = binding.slots[id];
    if (slot.place == Place::constant || slot.place == Place::late) continue;
    const Value& value = graph.value(binding.plan->slots[id].value);
    INFO(value.name);
    REQUIRE(value.type.has_known_shape());
    CHECK(*slot.dims == known_dims(*value.type.shape));
    if (slot.place != Place::host) continue;
    REQUIRE(value.elements);
    CHECK(binding.hosts[slot.index].to_int64() == known_dims(*value.elements));
  }
}

// The views that a step's scratch depends on.
std::vector<TensorView> views_of(const Binding& binding, const std::vector<SlotId>& ids) {
  std::vector<TensorView> views;
  for (const SlotId id : ids) {
    views.emplace_back();
    if (id == kNoSlot) continue;
    const Slot& slot = binding.plan->slots[id];
    views.back().dtype = slot.dtype;
    views.back().dims = slot.constant ? slot.constant->dims() : *binding.slots[id].dims;
    views.back().layout = slot.layout;
    views.back().quant = slot.quant.get();
  }
  return views;
}

void check_scratch(const Binding& binding, size_t width) {
  for (size_t s = 0; s < binding.steps.size(); ++s) {
    if (binding.steps[s].skip || binding.steps[s].late) continue;
    const PlannedStep& step = binding.plan->steps[s];
    INFO(s);
    CHECK(step.step->scratch_bytes(views_of(binding, step.inputs), views_of(binding, step.outputs),
                                   binding.steps[s].wide ? width : 1) <= binding.scratch_bytes);
  }
}

TEST_CASE("a binding has the scratch of every step, shared by threads or not") {
  for (const auto& path : bundled_models())
    for (const Form& form : all_forms(path)) {
      INFO(form.name);
      const auto program = compiled(form);
      const std::shared_ptr<const Plan> plan(program, &program->plan());
      std::vector<Dims> dims;
      for (const Tensor& input : made_up_inputs(*form.graph, 24)) dims.push_back(input.dims());
      for (const size_t width : {1, 2, 8})
        for (const bool share_small : {false, true}) {
          const auto bound = runtime::bind(plan, dims, width, share_small);
          REQUIRE(bound.ok());
          check_scratch(**bound, width);
        }
    }
}

TEST_CASE("a binding, which infers one of equal layers, has the dims of inferring every node") {
  for (const auto& path : bundled_models())
    for (const Form& form : all_forms(path)) {
      INFO(form.name);
      const auto program = compiled(form);
      const std::shared_ptr<const Plan> plan(program, &program->plan());
      for (const int64_t length : {24, 20}) {
        const auto inputs = made_up_inputs(*form.graph, length);
        std::vector<Dims> dims;
        for (const Tensor& input : inputs) dims.push_back(input.dims());
        const auto bound = runtime::bind(plan, dims, 1);
        REQUIRE(bound.ok());
        check_slots(**bound, *inferred(*plan, inputs));
      }
    }
}

}  // namespace
