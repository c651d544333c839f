#include <immintrin.h>

#include "kernels/depthwise_s8/depthwise_s8.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes512.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/depthwise_s8/blocks.inl"
// clang-format on

inline __m128i dot_codes(__m128i sum, __m128i codes, __m128i weights) {
  return _mm_dpbusd_epi32(sum, codes, weights);
}
inline __m256i dot_codes(__m256i sum, __m256i codes, __m256i weights) {
  return _mm256_dpbusd_epi32(sum, codes, weights);
}
inline __mmask32 mask256(size_t count) {
  return count >= 32 ? ~__mmask32{0} : (__mmask32{1} << count) - 1;
}
inline __m128i load_codes128(const uint8_t* from, size_t count) { return load_bytes(from, count); }
inline void store_codes128(uint8_t* to, size_t count, __m128i v) { store_bytes(to, count, v); }
inline __m256i load_codes256(const uint8_t* from, size_t count) {
  return _mm256_maskz_loadu_epi8(mask256(count), from);
}
inline void store_codes256(uint8_t* to, size_t count, __m256i v) {
  _mm256_mask_storeu_epi8(to, mask256(count), v);
}

// clang-format off
#include "kernels/depthwise_s8/wide.inl"
#include "kernels/depthwise_s8/wide512.inl"
#include "kernels/depthwise_s8/quads.inl"
#include "kernels/depthwise_s8/doubles512.inl"
// clang-format on

using Widest = Quads512;

template <typename F>
void each_block(const ConvShape& s, F f) {
  if (s.out_channels < Quads256::kChannels)
    each_overlapping<Pairs512>(0, s.out_channels, f);
  else
    each_wide_or_narrow<Quads512, Quads256>(s.out_channels, f);
}

// clang-format off
#include "kernels/depthwise_s8/groups.inl"
#include "kernels/depthwise_s8/planes.inl"
#include "kernels/depthwise_s8/driver.inl"
#include "kernels/depthwise_s8/window.inl"
#include "kernels/depthwise_s8/run.inl"
// clang-format on

}  // namespace

extern const DepthwiseS8Table depthwise_s8_avx512vnni;
const DepthwiseS8Table depthwise_s8_avx512vnni{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
