#include <immintrin.h>

#include "kernels/depthwise_s8/depthwise_s8.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes256.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/depthwise_s8/blocks.inl"
// clang-format on

inline void store_codes128(uint8_t* to, size_t count, __m128i v) { store_bytes(to, count, v); }
// Blocks of 32 channels are whole.
inline void store_codes256(uint8_t* to, size_t /*count*/, __m256i v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v);
}

// clang-format off
#include "kernels/depthwise_s8/wide.inl"
#include "kernels/depthwise_s8/pairs.inl"
// clang-format on

using Widest = Pairs32;

template <typename F>
void each_block(const ConvShape& s, F f) {
  // The sums of a window over more channels don't fit the registers.
  if (has_window(s))
    each_overlapping<Pairs16>(0, s.out_channels, f);
  else
    each_wide_or_narrow<Pairs32, Pairs16>(s.out_channels, f);
}

// clang-format off
#include "kernels/depthwise_s8/groups.inl"
#include "kernels/depthwise_s8/planes.inl"
#include "kernels/depthwise_s8/driver.inl"
#include "kernels/depthwise_s8/window.inl"
#include "kernels/depthwise_s8/run.inl"
// clang-format on

}  // namespace

extern const DepthwiseS8Table depthwise_s8_avx2;
const DepthwiseS8Table depthwise_s8_avx2{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
