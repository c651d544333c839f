#include <algorithm>

#include "kernels/pool_f32/pool_f32.h"

namespace octet::kernels {
namespace {

// Elements of a chunk that are worth waking a thread for.
constexpr size_t kGrain = 32768;

}  // namespace

void pool_f32(const PoolF32Table& table, const PoolF32Args& args, Parallel& parallel) {
  const size_t work = args.out_width * args.channels * args.kernel_height * args.kernel_width;
  parallel.for_ranges(args.batch * args.out_height,
                      std::max<size_t>(1, kGrain / std::max<size_t>(1, work)),
                      [&](size_t begin, size_t end) {
                        for (size_t r = begin; r < end; ++r)
                          table.row(args, r / args.out_height, r % args.out_height);
                      });
}

}  // namespace octet::kernels
