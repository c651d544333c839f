#include "runtime/weights/weight_store.h"

namespace octet::runtime {
namespace {

// The same bytes, held through `kept`.
Tensor held(const std::shared_ptr<const Tensor>& kept) {
  return {kept->dtype(), kept->dims(), kept->bytes(), kept};
}

}  // namespace

WeightStore& WeightStore::process() {
  static auto& store = *new WeightStore;  // Never destroyed: a session may outlive it.
  return store;
}

std::shared_ptr<const Tensor> WeightStore::locked_find(const Digest& key) const {
  const auto at = tensors_.find(key);
  return at == tensors_.end() ? nullptr : at->second.lock();
}

std::optional<Tensor> WeightStore::find(const Digest& key) {
  std::shared_ptr<const Tensor> kept;
  {
    const std::lock_guard lock(mutex_);
    kept = locked_find(key);
  }
  if (!kept) return std::nullopt;
  return held(kept);
}

Tensor WeightStore::keep(const Digest& key, Tensor tensor) {
  std::shared_ptr<const Tensor> made(new Tensor(std::move(tensor)), [this, key](const Tensor* t) {
    forget(key);
    delete t;
  });
  std::shared_ptr<const Tensor> kept;
  {
    const std::lock_guard lock(mutex_);
    kept = locked_find(key);
    if (!kept) tensors_[key] = kept = made;
  }
  return held(kept);
}

void WeightStore::forget(const Digest& key) {
  const std::lock_guard lock(mutex_);
  const auto at = tensors_.find(key);
  if (at != tensors_.end() && at->second.expired()) tensors_.erase(at);
}

}  // namespace octet::runtime
