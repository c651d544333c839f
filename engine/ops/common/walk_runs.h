#pragma once

#include "engine/ops/common/strided.h"

namespace octet {

/// for_each_run for a few callers whose runs are short: f is called without an indirection.
template <typename F>
void walk_runs(const Nest& nest, Parallel& parallel, const F& f) {
  const int64_t rows = nest.rows();
  const int64_t inner = nest.inner();
  if (rows <= 0 || inner <= 0) return;
  if (rows == 1) {
    parallel.for_ranges(static_cast<size_t>(inner), kParallelGrain, [&](size_t begin, size_t end) {
      Offsets offsets{};
      for (size_t i = 0; i < nest.operands; ++i)
        offsets[i] = static_cast<int64_t>(begin) * nest.inner_step(i);
      f(offsets, static_cast<int64_t>(end - begin));
    });
    return;
  }
  const size_t grain = kParallelGrain / static_cast<size_t>(inner) + 1;
  parallel.for_ranges(static_cast<size_t>(rows), grain, [&](size_t begin, size_t end) {
    Extents index(nest.dims.size() - 1);
    auto rest = static_cast<int64_t>(begin);
    for (size_t a = index.size(); a-- > 0; rest /= nest.dims[a]) index[a] = rest % nest.dims[a];
    Offsets offsets = nest.row_offsets(static_cast<int64_t>(begin));
    for (size_t row = begin; row < end; ++row) {
      f(offsets, inner);
      for (size_t a = index.size(); a-- > 0;) {
        const bool carry = ++index[a] == nest.dims[a];
        const int64_t moved = carry ? 1 - nest.dims[a] : 1;
        for (size_t i = 0; i < nest.operands; ++i) offsets[i] += moved * nest.steps[i][a];
        if (!carry) break;
        index[a] = 0;
      }
    }
  });
}

}  // namespace octet
