#include "kernels/simd/neon.h"

#include "kernels/simd/unroll.h"
#include "kernels/winograd_s8/winograd_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes_neon.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/conv_s8/codes_neon.inl"
#include "kernels/winograd_s8/words_neon.inl"
#include "kernels/winograd_s8/tile_neon.inl"
#include "kernels/winograd_s8/transform.inl"
#include "kernels/winograd_s8/driver.inl"
// clang-format on

// pack(), with the columns of a pair of channels one channel after the other.
void pack_by_channel(const ConvShape& s, const ConvWeights& w, void* packed) {
  pack(s, w, packed);
  auto* words = reinterpret_cast<int16_t*>(static_cast<uint8_t*>(packed) + sum_bytes(s));
  const size_t count = blocks_of(s) * block_words(s);
  for (size_t i = 0; i < count; i += 2 * kLanes) {
    const int16x8x2_t low = vld2q_s16(words + i), high = vld2q_s16(words + i + kLanes);
    vst1q_s16(words + i, low.val[0]);
    vst1q_s16(words + i + 8, high.val[0]);
    vst1q_s16(words + i + 16, low.val[1]);
    vst1q_s16(words + i + 24, high.val[1]);
  }
}

}  // namespace

extern const ConvS8Table winograd_s8_neon;
const ConvS8Table winograd_s8_neon{packed_bytes, pack_by_channel, scratch_bytes, run};

}  // namespace octet::kernels
