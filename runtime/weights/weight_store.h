#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/ir/digest.h"
#include "engine/ir/tensor.h"

namespace octet::runtime {

/// Weights that the sessions of this process share: who asks for a key under which somebody holds a
/// tensor gets that tensor. It goes when its last holder does.
class WeightStore {
 public:
  static WeightStore& process();
  /// Keys of sessions without a cache folder are digested under this seed, which nobody else knows.
  const Digest& seed() const { return seed_; }

  std::optional<Tensor> find(const Digest& key);
  /// `tensor`, or the one that another thread kept under the key meanwhile.
  Tensor keep(const Digest& key, Tensor tensor);

 private:
  WeightStore() : seed_(random_seed()) {}
  std::shared_ptr<const Tensor> locked_find(const Digest& key) const;
  void forget(const Digest& key);

  Digest seed_;
  std::mutex mutex_;
  std::map<Digest, std::weak_ptr<const Tensor>> tensors_;
};

}  // namespace octet::runtime
