#pragma once

// Only files compiled for AVX2 include it.

#include <immintrin.h>

#include <cstddef>

namespace octet::kernels::simd {

/// out[j * out_row + i] = in[i * in_row + j] for i, j < 8.
static inline __attribute__((always_inline)) void transpose8x8(const float* in, ptrdiff_t in_row,
                                                               float* out, ptrdiff_t out_row) {
  const auto pair = [&](ptrdiff_t i, ptrdiff_t half) {
    const __m128 low = _mm_loadu_ps(in + i * in_row + half);
    const __m128 high = _mm_loadu_ps(in + (i + 4) * in_row + half);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
  };
  for (ptrdiff_t half = 0; half < 8; half += 4) {
    const __m256 r0 = pair(0, half), r1 = pair(1, half), r2 = pair(2, half), r3 = pair(3, half);
    const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(r0, r1));
    const __m256d b = _mm256_castps_pd(_mm256_unpacklo_ps(r2, r3));
    const __m256d c = _mm256_castps_pd(_mm256_unpackhi_ps(r0, r1));
    const __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(r2, r3));
    float* column = out + half * out_row;
    _mm256_storeu_ps(column, _mm256_castpd_ps(_mm256_unpacklo_pd(a, b)));
    _mm256_storeu_ps(column + out_row, _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
    _mm256_storeu_ps(column + 2 * out_row, _mm256_castpd_ps(_mm256_unpacklo_pd(c, d)));
    _mm256_storeu_ps(column + 3 * out_row, _mm256_castpd_ps(_mm256_unpackhi_pd(c, d)));
  }
}

}  // namespace octet::kernels::simd
