#include "runtime/session/own_constants.h"

#include <algorithm>
#include <map>

namespace octet::runtime {
namespace {

constexpr size_t kMaxCopied = size_t{16} << 20;
// Below this a constant costs nothing to keep, and inference may look at its elements.
constexpr size_t kMinDropped = 4096;

class Owner {
 public:
  Owner(Plan& plan, CompileWeights& weights)
      : plan_(plan), weights_(weights), read_(plan.slots.size(), false) {}

  Result<std::vector<std::shared_ptr<const MappedFile>>> run() {
    find_read_slots();
    for (SlotId id = 0; id < plan_.slots.size(); ++id) {
      Slot& slot = plan_.slots[id];
      if (!slot.constant) continue;
      OCTET_RETURN_IF_ERROR(own(*slot.constant, read_[id]));
      OCTET_ASSIGN(slot.quant, owned(slot.quant));
    }
    OCTET_RETURN_IF_ERROR(own_graph_constants());
    // Other libraries' steps may read weights as late as at their first run.
    if (std::any_of(plan_.steps.begin(), plan_.steps.end(),
                    [](const PlannedStep& step) { return step.info.provider != "native"; }))
      files_ = weights_.files();
    if (auto cache = weights_.cache_mapping()) files_.push_back(std::move(cache));
    return std::move(files_);
  }

 private:
  void find_read_slots() {
    for (const PlannedStep& step : plan_.steps)
      for (size_t i = 0; i < step.inputs.size(); ++i) {
        const auto& packed = step.packed_inputs;
        if (step.inputs[i] != kNoSlot && std::find(packed.begin(), packed.end(), i) == packed.end())
          read_[step.inputs[i]] = true;
      }
    for (const SlotId id : plan_.outputs) read_[id] = true;
  }

  Status own(Tensor& tensor, bool is_read) {
    const size_t size = tensor.bytes().size();
    if (!is_read && size >= kMinDropped) {
      tensor = tensor.without_elements();
      return {};
    }
    const auto file = MappedFile::find(tensor.bytes().data());
    if (!file && size < kMinDropped) return {};
    if (file && size > kMaxCopied) {
      if (std::find(files_.begin(), files_.end(), file) == files_.end()) files_.push_back(file);
      return {};
    }
    OCTET_ASSIGN(tensor, weights_.copy(tensor));
    return {};
  }

  // A value's constant is its first slot's; one without a slot is read by inference alone.
  Status own_graph_constants() {
    Graph& graph = *plan_.graph;
    std::map<ValueId, const Tensor*> first;
    for (const Slot& slot : plan_.slots)
      if (slot.constant) first.emplace(slot.value, &*slot.constant);
    for (ValueId id = 0; id < graph.value_capacity(); ++id) {
      if (!graph.alive_value(id) || !graph.value(id).constant) continue;
      Value& value = graph.value(id);
      if (const auto at = first.find(id); at != first.end())
        value.constant = *at->second;
      else
        OCTET_RETURN_IF_ERROR(own(*value.constant, true));
      OCTET_ASSIGN(value.quant, owned(value.quant));
      value.type.shape = to_shape(value.constant->dims());  // Bindings take it from here.
    }
    return {};
  }

  Result<QuantPtr> owned(const QuantPtr& quant) {
    if (!quant) return quant;
    if (const auto at = quants_.find(quant); at != quants_.end()) return at->second;
    QuantType copy = *quant;
    OCTET_RETURN_IF_ERROR(own(copy.scale, true));
    OCTET_RETURN_IF_ERROR(own(copy.zero_point, true));
    const bool same = copy.scale.bytes().data() == quant->scale.bytes().data() &&
                      copy.zero_point.bytes().data() == quant->zero_point.bytes().data();
    QuantPtr kept = same ? quant : std::make_shared<const QuantType>(std::move(copy));
    quants_.emplace(quant, kept);
    return kept;
  }

  Plan& plan_;
  CompileWeights& weights_;
  std::vector<bool> read_;
  std::map<QuantPtr, QuantPtr> quants_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
};

}  // namespace

Result<std::vector<std::shared_ptr<const MappedFile>>> own_constants(Plan& plan,
                                                                     CompileWeights& weights) {
  return Owner(plan, weights).run();
}

}  // namespace octet::runtime
