#include <immintrin.h>

#include "kernels/depthwise_s8/depthwise_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes256.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/depthwise_s8/block256.inl"
#include "kernels/depthwise_s8/driver.inl"
// clang-format on

}  // namespace

extern const DepthwiseS8Table depthwise_s8_avx2;
const DepthwiseS8Table depthwise_s8_avx2{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
