#include <algorithm>

#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::kernels {
namespace {

// Elements of a chunk that are worth waking a thread for.
constexpr size_t kGrain = 8192;
// Columns that are run together where inner > 1.
constexpr size_t kColumns = 64;

}  // namespace

void softmax_f32(const SoftmaxF32Table& table, const SoftmaxF32Args& args, Parallel& parallel) {
  if (args.outer == 0 || args.axis == 0 || args.inner == 0) return;
  if (args.inner == 1) {
    parallel.for_ranges(
        args.outer, std::max<size_t>(1, kGrain / args.axis), [&](size_t begin, size_t end) {
          for (size_t r = begin; r < end; ++r)
            table.row(args.x + r * args.axis, args.y + r * args.axis, args.axis, args.logarithm);
        });
    return;
  }
  const size_t groups = (args.inner + kColumns - 1) / kColumns;
  const size_t work = args.axis * std::min(kColumns, args.inner);
  parallel.for_ranges(args.outer * groups, std::max<size_t>(1, kGrain / work),
                      [&](size_t begin, size_t end) {
                        for (size_t i = begin; i < end; ++i) {
                          const size_t column = i % groups * kColumns;
                          const size_t at = i / groups * args.axis * args.inner + column;
                          table.columns(args.x + at, args.y + at, args.axis, args.inner,
                                        std::min(kColumns, args.inner - column), args.logarithm);
                        }
                      });
}

}  // namespace octet::kernels
