#include <immintrin.h>

#include "kernels/lut_s8/lut_s8.h"

namespace octet::kernels {
namespace {

// A shuffle gives 0 where the index has its top bit. Codes less 16 s reach table part s only while
// they are below 16; adding 0x70 with saturation sets the top bit of all others.
void map_range(const uint8_t* in, uint8_t* out, size_t begin, size_t end, const uint8_t* table) {
  __m256i parts[16];
  for (size_t s = 0; s < 16; ++s)
    parts[s] = _mm256_broadcastsi128_si256(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * s)));
  const __m256i far = _mm256_set1_epi8(0x70), step = _mm256_set1_epi8(16);
  size_t i = begin;
  for (; i + 32 <= end; i += 32) {
    __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i));
    __m256i mapped = _mm256_setzero_si256();
    for (const __m256i& part : parts) {
      mapped = _mm256_or_si256(mapped, _mm256_shuffle_epi8(part, _mm256_adds_epu8(codes, far)));
      codes = _mm256_sub_epi8(codes, step);
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), mapped);
  }
  for (; i < end; ++i) out[i] = table[in[i]];
}

void map(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table, Parallel& parallel) {
  auto work = [&](size_t begin, size_t end) { map_range(in, out, begin, end, table); };
  parallel.for_ranges(count, 32768, work);
}

}  // namespace

extern const LutS8Table lut_s8_avx2;
const LutS8Table lut_s8_avx2{map};

}  // namespace octet::kernels
