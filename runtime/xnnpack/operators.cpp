#include "runtime/xnnpack/operators.h"

namespace octet::runtime::xnnpack {

Status Operators::prepare(const Key& key) {
  return with(key, [](Operator&) { return Status{}; });
}

Status Operators::with(const Key& key, FunctionRef<Status(Operator&)> body) const {
  std::list<std::pair<Key, Operator>> mine;  // One entry; moved between lists, never copied.
  {
    const std::lock_guard lock(mutex_);
    for (auto at = idle_.begin(); at != idle_.end(); ++at) {
      if (at->first != key) continue;
      mine.splice(mine.begin(), idle_, at);
      break;
    }
  }
  if (mine.empty()) {
    OCTET_ASSIGN(Operator made, make_(key));
    mine.emplace_front(key, std::move(made));
  }
  Status status = body(mine.front().second);
  const std::lock_guard lock(mutex_);
  idle_.splice(idle_.begin(), mine);
  if (idle_.size() > kIdle) idle_.pop_back();
  return status;
}

}  // namespace octet::runtime::xnnpack
