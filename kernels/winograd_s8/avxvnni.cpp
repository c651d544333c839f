#include <immintrin.h>

#include "kernels/simd/unroll.h"
#include "kernels/winograd_s8/winograd_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes256.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/conv_s8/codes256.inl"
#include "kernels/winograd_s8/words256.inl"
// clang-format on

inline __m256i dot_words(__m256i sums, __m256i words, __m256i weights) {
  return _mm256_dpwssd_avx_epi32(sums, words, weights);
}

// clang-format off
#include "kernels/winograd_s8/tile256.inl"
#include "kernels/winograd_s8/transform.inl"
#include "kernels/winograd_s8/driver.inl"
// clang-format on

}  // namespace

extern const ConvS8Table winograd_s8_avxvnni;
const ConvS8Table winograd_s8_avxvnni{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
