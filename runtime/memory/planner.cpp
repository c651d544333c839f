#include "runtime/memory/planner.h"

#include <algorithm>
#include <map>
#include <queue>

namespace octet::runtime {
namespace {

constexpr size_t kAlignment = 64;

// Free ranges of the arena by offset; the arena's end is open.
class FreeList {
 public:
  size_t take(size_t bytes) {
    auto best = free_.end();
    for (auto at = free_.begin(); at != free_.end(); ++at)
      if (at->second >= bytes && (best == free_.end() || at->second < best->second)) best = at;
    if (best != free_.end()) {
      const size_t offset = best->first;
      const size_t rest = best->second - bytes;
      free_.erase(best);
      if (rest > 0) free_.emplace(offset + bytes, rest);
      return offset;
    }
    return take_at_end(bytes);
  }

  void give(size_t offset, size_t bytes) {
    auto next = free_.lower_bound(offset);
    if (next != free_.end() && offset + bytes == next->first) {
      bytes += next->second;
      next = free_.erase(next);
    }
    if (next != free_.begin()) {
      auto previous = std::prev(next);
      if (previous->first + previous->second == offset) {
        previous->second += bytes;
        return;
      }
    }
    free_.emplace(offset, bytes);
  }

  size_t end() const { return end_; }

 private:
  // A free range that touches the end is grown, not left behind.
  size_t take_at_end(size_t bytes) {
    size_t offset = end_;
    if (!free_.empty()) {
      const auto last = std::prev(free_.end());
      if (last->first + last->second == end_) {
        offset = last->first;
        free_.erase(last);
      }
    }
    end_ = offset + bytes;
    return offset;
  }

  std::map<size_t, size_t> free_;
  size_t end_ = 0;
};

}  // namespace

MemoryPlan plan_memory(std::span<const Lifetime> lifetimes) {
  MemoryPlan plan;
  plan.offsets.resize(lifetimes.size());
  FreeList free;
  using Expiry = std::pair<size_t, size_t>;  // last step, index
  std::priority_queue<Expiry, std::vector<Expiry>, std::greater<>> live;
  const auto rounded = [&](size_t i) {
    return std::max(kAlignment, (lifetimes[i].bytes + kAlignment - 1) / kAlignment * kAlignment);
  };
  for (size_t i = 0; i < lifetimes.size(); ++i) {
    while (!live.empty() && live.top().first < lifetimes[i].first) {
      free.give(plan.offsets[live.top().second], rounded(live.top().second));
      live.pop();
    }
    plan.offsets[i] = free.take(rounded(i));
    live.emplace(lifetimes[i].last, i);
  }
  plan.bytes = free.end();
  return plan;
}

}  // namespace octet::runtime
