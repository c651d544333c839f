#include "runtime/session/alike_steps.h"

#include <map>
#include <tuple>
#include <typeinfo>

namespace octet::runtime {
namespace {

// What tells the forms of a value apart.
void add_form(const Slot& slot, std::vector<int64_t>& key) {
  key.push_back(static_cast<int64_t>(slot.dtype));
  key.push_back(static_cast<int64_t>(slot.layout));
  key.push_back(slot.constant ? 1 : 0);
  if (slot.quant == nullptr) return key.push_back(-1);
  const QuantType& quant = *slot.quant;
  for (const Tensor* tensor : {&quant.scale, &quant.zero_point}) {
    key.push_back(static_cast<int64_t>(tensor->rank()));
    key.insert(key.end(), tensor->dims().begin(), tensor->dims().end());
  }
  key.insert(key.end(), {quant.axis, quant.block});
}

std::vector<int64_t> forms_of(const Plan& plan, const PlannedStep& step) {
  std::vector<int64_t> key;
  for (const auto& ids : {std::span(step.inputs), std::span(step.outputs)})
    for (const SlotId id : ids)
      if (id == kNoSlot)
        key.push_back(-1);
      else
        add_form(plan.slots[id], key);
  const auto quant_of = [&](const std::vector<SlotId>& ids) {
    return ids.empty() || ids[0] == kNoSlot ? nullptr : plan.slots[ids[0]].quant.get();
  };
  key.push_back(quant_of(step.inputs) == quant_of(step.outputs) ? 1 : 0);
  return key;
}

}  // namespace

std::vector<size_t> alike_steps(const Plan& plan) {
  using Key = std::tuple<NodeId, size_t, std::string, std::string, Isa, std::vector<int64_t>>;
  std::map<Key, size_t> seen;
  std::vector<size_t> alike(plan.steps.size());
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    alike[s] = s;
    const PlannedStep& step = plan.steps[s];
    if (step.node == kNoNode) continue;
    const Step& run = *step.step;
    Key key{plan.types.first[step.node], typeid(run).hash_code(), step.info.kernel,
            step.info.provider,          step.info.isa,           forms_of(plan, step)};
    alike[s] = seen.try_emplace(std::move(key), s).first->second;
  }
  return alike;
}

}  // namespace octet::runtime
