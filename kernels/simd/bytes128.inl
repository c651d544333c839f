// Operations on sixteen codes. Included inside an anonymous namespace, after lanes256.inl or
// lanes512.inl.

using Bytes = __m128i;

template <bool kSigned>
inline Bytes lowest_codes() {
  return kSigned ? _mm_set1_epi8(-128) : _mm_setzero_si128();
}
template <bool kSigned>
inline Bytes max_codes(Bytes a, Bytes b) {
  return kSigned ? _mm_max_epi8(a, b) : _mm_max_epu8(a, b);
}

/// `count` <= 16 codes of 4 bits, two a byte, the first in the upper half when `odd`.
inline Bytes load_nibble_codes(const uint8_t* at, bool odd, bool is_signed, size_t count) {
  const Bytes bytes = count == 16 && !odd ? _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))
                                          : load_bytes(at, (count + (odd ? 2 : 1)) / 2);
  const Bytes mask = _mm_set1_epi8(15);
  const Bytes even_codes = _mm_and_si128(bytes, mask);
  const Bytes odd_codes = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
  Bytes codes = _mm_unpacklo_epi8(even_codes, odd_codes);
  if (odd) codes = _mm_alignr_epi8(_mm_unpackhi_epi8(even_codes, odd_codes), codes, 1);
  const Bytes sign = _mm_set1_epi8(8);
  return is_signed ? _mm_sub_epi8(_mm_xor_si128(codes, sign), sign) : codes;
}
