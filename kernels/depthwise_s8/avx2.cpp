#include <immintrin.h>

#include "kernels/depthwise_s8/depthwise_s8.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes256.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/depthwise_s8/pairs256.inl"
#include "kernels/depthwise_s8/blocks.inl"
// clang-format on

using Widest = Pairs;

template <typename F>
void each_block(size_t channels, F f) {
  each_overlapping<Pairs>(0, channels, f);
}

// clang-format off
#include "kernels/depthwise_s8/groups.inl"
#include "kernels/depthwise_s8/planes.inl"
#include "kernels/depthwise_s8/driver.inl"
// clang-format on

}  // namespace

extern const DepthwiseS8Table depthwise_s8_avx2;
const DepthwiseS8Table depthwise_s8_avx2{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
