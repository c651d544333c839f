#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace octet::runtime {

/// A buffer with the steps at which it is first written and last read (both inclusive).
struct Lifetime {
  size_t bytes = 0;
  size_t first = 0;
  size_t last = 0;
};

struct MemoryPlan {
  std::vector<size_t> offsets;  ///< One a lifetime, 64-byte aligned.
  size_t bytes = 0;             ///< Size of the arena.
};

/// Gives each buffer an offset so that buffers alive at the same step don't overlap. Buffers must
/// come ordered by `first`. Linear scan with best fit over the free ranges.
MemoryPlan plan_memory(std::span<const Lifetime> lifetimes);

}  // namespace octet::runtime
