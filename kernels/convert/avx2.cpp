#include <immintrin.h>

#include "kernels/convert/convert.h"

namespace octet::kernels {
namespace {

constexpr size_t kLanes = 8;

// f(x, y) on whole groups of 8, the rest by way of a buffer.
template <typename From, typename To, typename F>
inline __attribute__((always_inline)) void map(const From* x, To* y, size_t count, F f) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) f(x + i, y + i);
  if (i == count) return;
  From from[kLanes] = {};
  To to[kLanes];
  __builtin_memcpy(from, x + i, (count - i) * sizeof(From));
  f(from, to);
  __builtin_memcpy(y + i, to, (count - i) * sizeof(To));
}

template <typename T>
inline __attribute__((always_inline)) __m128i load16(const T* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
template <typename T>
inline __attribute__((always_inline)) void store16(T* p, __m128i x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), x);
}

void half_to_float(const Half* x, float* y, size_t count) {
  map(x, y, count,
      [](const Half* from, float* to) { _mm256_storeu_ps(to, _mm256_cvtph_ps(load16(from))); });
}

void float_to_half(const float* x, Half* y, size_t count) {
  map(x, y, count, [](const float* from, Half* to) {
    store16(to, _mm256_cvtps_ph(_mm256_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT));
  });
}

void bfloat16_to_float(const Bfloat16* x, float* y, size_t count) {
  map(x, y, count, [](const Bfloat16* from, float* to) {
    const __m256i wide = _mm256_cvtepu16_epi32(load16(from));
    _mm256_storeu_ps(to, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
  });
}

void float_to_bfloat16(const float* x, Bfloat16* y, size_t count) {
  map(x, y, count, [](const float* from, Bfloat16* to) {
    const __m256 value = _mm256_loadu_ps(from);
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    const __m256i upper = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    // Packing works within halves of the register: bring 0 and 2 together.
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(upper, upper), 0x08);
    store16(to, _mm256_castsi256_si128(packed));
  });
}

}  // namespace

extern const ConvertTable convert_avx2;
const ConvertTable convert_avx2 = {half_to_float, float_to_half, bfloat16_to_float,
                                   float_to_bfloat16};

}  // namespace octet::kernels
