#include <algorithm>

#include "kernels/layernorm_f32/layernorm_f32.h"

namespace octet::kernels {
namespace {

// Elements of a chunk that are worth waking a thread for.
constexpr size_t kGrain = 16384;

size_t grain(size_t row) { return std::max<size_t>(1, kGrain / std::max<size_t>(1, row)); }

}  // namespace

void layernorm_f32(const LayerNormF32Table& table, const LayerNormF32Args& args,
                   Parallel& parallel) {
  parallel.for_ranges(args.rows, grain(args.n),
                      [&](size_t begin, size_t end) { table.rows(args, begin, end); });
}

void groupnorm_f32(const LayerNormF32Table& table, const GroupNormF32Args& args,
                   Parallel& parallel) {
  const size_t group_channels = args.channels / args.groups;
  const size_t n = group_channels * args.spatial;
  parallel.for_ranges(args.batch * args.groups, grain(n), [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      float mean = 0.0F;
      float inverse = 0.0F;
      table.moments(args.x + r * n, n, args.epsilon, &mean, &inverse);
      for (size_t c = 0; c < group_channels; ++c) {
        const size_t channel = r % args.groups * group_channels + c;
        const size_t at = r * n + c * args.spatial;
        table.normalize(args.x + at, args.y + at, args.spatial, mean, inverse,
                        args.scale != nullptr ? args.scale[channel] : 1.0F,
                        args.bias != nullptr ? args.bias[channel] : 0.0F);
      }
    }
  });
}

}  // namespace octet::kernels
