#include <algorithm>

#include "kernels/reduce_f32/reduce_f32.h"

namespace octet::kernels {
namespace {

// Elements of a chunk that are worth waking a thread for.
constexpr size_t kGrain = 32768;
// Columns that are run together where inner > 1.
constexpr size_t kColumns = 256;

size_t grain(size_t work) { return std::max<size_t>(1, kGrain / std::max<size_t>(1, work)); }

}  // namespace

void reduce_f32(const ReduceF32Table& table, const ReduceF32Args& args, Parallel& parallel) {
  if (args.inner == 1) {
    parallel.for_ranges(args.outer, grain(args.axis), [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r)
        args.y[r] = table.row(args.function, args.x + r * args.axis, args.axis);
    });
    return;
  }
  const size_t groups = (args.inner + kColumns - 1) / kColumns;
  const size_t work = args.axis * std::min(kColumns, args.inner);
  parallel.for_ranges(args.outer * groups, grain(work), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t column = i % groups * kColumns;
      const size_t outer = i / groups;
      table.columns(args.function, args.x + outer * args.axis * args.inner + column,
                    args.y + outer * args.inner + column, args.axis, args.inner,
                    std::min(kColumns, args.inner - column));
    }
  });
}

}  // namespace octet::kernels
