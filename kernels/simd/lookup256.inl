// out[i] = table[in[i]] over 256 entries; out may be in. Included inside an anonymous namespace.

inline void lookup_bytes(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table) {
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i));
    __m256i result = _mm256_setzero_si256();
#pragma GCC unroll 16
    for (int part = 0; part < 16; ++part) {
      const __m256i entries = _mm256_broadcastsi128_si256(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + part * 16)));
      // A code of another part gets its top bit set, and so gives 0.
      const __m256i index =
          _mm256_adds_epu8(_mm256_xor_si256(codes, _mm256_set1_epi8(static_cast<char>(part * 16))),
                           _mm256_set1_epi8(0x70));
      result = _mm256_or_si256(result, _mm256_shuffle_epi8(entries, index));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), result);
  }
  for (; i < count; ++i) out[i] = table[in[i]];
}
