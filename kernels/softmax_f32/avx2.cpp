#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

inline __attribute__((always_inline)) simd::F32x16 times_power_of_two(simd::F32x16 p,
                                                                      simd::F32x16 n) {
  // NaN becomes a multiple of 2^9, which leaves p as it is.
  const auto times = [](__m256 x, __m256 power) __attribute__((always_inline)) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(power), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), exponent));
  };
  return {times(p.lo, n.lo), times(p.hi, n.hi)};
}

}  // namespace
}  // namespace octet::kernels

#include "kernels/softmax_f32/vector.h"

namespace octet::kernels {

extern const SoftmaxF32Table softmax_f32_avx2;
const SoftmaxF32Table softmax_f32_avx2 = {row, rows, columns, codes, fill};

}  // namespace octet::kernels
