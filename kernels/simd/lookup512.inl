// out[i] = table[in[i]] over 256 entries; out may be in. Included inside an anonymous namespace.

inline void lookup_bytes(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table) {
  const __m512i low_bits = _mm512_set1_epi8(0x0f);
  for (size_t i = 0; i < count; i += 64) {
    const __mmask64 mask = count - i >= 64 ? ~__mmask64{0} : (__mmask64{1} << (count - i)) - 1;
    const __m512i codes = _mm512_maskz_loadu_epi8(mask, in + i);
    const __m512i low = _mm512_and_si512(codes, low_bits);
    const __m512i high = _mm512_andnot_si512(low_bits, codes);
    __m512i result = _mm512_setzero_si512();
#pragma GCC unroll 16
    for (int part = 0; part < 16; ++part) {
      const __m512i entries = _mm512_broadcast_i32x4(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + part * 16)));
      const __mmask64 here =
          _mm512_cmpeq_epi8_mask(high, _mm512_set1_epi8(static_cast<char>(part * 16)));
      result = _mm512_mask_shuffle_epi8(result, here, entries, low);
    }
    _mm512_mask_storeu_epi8(out + i, mask, result);
  }
}
