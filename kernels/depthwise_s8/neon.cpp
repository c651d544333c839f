#include "kernels/simd/neon.h"

#include "kernels/depthwise_s8/depthwise_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes_neon.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/conv_s8/codes_neon.inl"
#include "kernels/depthwise_s8/blocks.inl"
#include "kernels/depthwise_s8/wide_neon.inl"
#include "kernels/depthwise_s8/pairs_neon.inl"
// clang-format on

using Widest = PairsNeon;

template <typename F>
void each_block(const ConvShape& s, F f) {
  each_overlapping<PairsNeon>(0, s.out_channels, f);
}

// clang-format off
#include "kernels/depthwise_s8/groups.inl"
#include "kernels/depthwise_s8/planes.inl"
#include "kernels/depthwise_s8/driver.inl"
#include "kernels/depthwise_s8/window.inl"
#include "kernels/depthwise_s8/run.inl"
// clang-format on

}  // namespace

extern const DepthwiseS8Table depthwise_s8_neon;
const DepthwiseS8Table depthwise_s8_neon{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
