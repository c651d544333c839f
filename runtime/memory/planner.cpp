#include "runtime/memory/planner.h"

#include <algorithm>
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
      if (at->bytes >= bytes && (best == free_.end() || at->bytes < best->bytes)) best = at;
    if (best == free_.end()) return take_at_end(bytes);
    const size_t offset = best->offset;
    best->offset += bytes;
    best->bytes -= bytes;
    if (best->bytes == 0) free_.erase(best);
    return offset;
  }

  void give(size_t offset, size_t bytes) {
    auto next = std::lower_bound(free_.begin(), free_.end(), offset,
                                 [](const Range& range, size_t at) { return range.offset < at; });
    if (next != free_.end() && offset + bytes == next->offset) {
      next->offset = offset;
      next->bytes += bytes;
    } else {
      next = free_.insert(next, {offset, bytes});
    }
    if (next == free_.begin()) return;
    const auto previous = std::prev(next);
    if (previous->offset + previous->bytes != next->offset) return;
    previous->bytes += next->bytes;
    free_.erase(next);
  }

  size_t end() const { return end_; }

 private:
  struct Range {
    size_t offset, bytes;
  };

  // A free range that touches the end is grown, not left behind.
  size_t take_at_end(size_t bytes) {
    size_t offset = end_;
    if (!free_.empty() && free_.back().offset + free_.back().bytes == end_) {
      offset = free_.back().offset;
      free_.pop_back();
    }
    end_ = offset + bytes;
    return offset;
  }

  std::vector<Range> free_;
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
