#include <algorithm>

#include "kernels/depthwise_f32/depthwise_f32.h"

namespace octet::kernels {
namespace {

// Multiply-adds of a chunk that are worth waking a thread for.
constexpr size_t kGrain = size_t{1} << 17;

}  // namespace

void depthwise_f32_pack(const float* weights, size_t channels, size_t taps, float* packed) {
  for (size_t t = 0; t < taps; ++t)
    for (size_t c = 0; c < channels; ++c) packed[t * channels + c] = weights[c * taps + t];
}

void depthwise_f32(const DepthwiseF32Table& table, const DepthwiseF32Args& args,
                   Parallel& parallel) {
  const size_t work = args.out_width * args.channels * args.kernel_height * args.kernel_width;
  parallel.for_ranges(args.batch * args.out_height,
                      std::max<size_t>(1, kGrain / std::max<size_t>(1, work)),
                      [&](size_t begin, size_t end) {
                        for (size_t r = begin; r < end; ++r)
                          table.row(args, r / args.out_height, r % args.out_height);
                      });
}

}  // namespace octet::kernels
