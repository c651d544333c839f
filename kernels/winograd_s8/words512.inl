// What transform.inl and driver.inl compute with, on AVX-512: see words256.inl.

struct Words {
  __m512i v;
};
inline constexpr size_t kWords = 32;

template <bool kSigned>
Words load_code_words(const uint8_t* from) {
  const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return {kSigned ? _mm512_cvtepi8_epi16(codes) : _mm512_cvtepu8_epi16(codes)};
}
inline void store_words(void* to, Words v) { _mm512_store_si512(to, v.v); }
inline Words set_words(int16_t v) { return {_mm512_set1_epi16(v)}; }
inline Words add(Words a, Words b) { return {_mm512_add_epi16(a.v, b.v)}; }
inline Words sub(Words a, Words b) { return {_mm512_sub_epi16(a.v, b.v)}; }
template <int kBits>
Words shift_left(Words a) {
  return {_mm512_slli_epi16(a.v, kBits)};
}
template <int kBits>
Ints shift_left(Ints a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
template <int kBits>
Ints shift_right(Ints a) {
  return {_mm512_srai_epi32(a.v, kBits)};
}

/// Stores `count` codes each of the first `pixels` values, `stride` bytes apart.
template <bool kBare>
inline void store_pixels(const CodePacker& pack, uint8_t* to, size_t stride, size_t pixels,
                         size_t count, const Ints (&v)[4]) {
  alignas(64) uint8_t codes[64];
  CodePacker::store<4>(codes, 64, pack.pack<kBare>(v));
  for (size_t p = 0; p < pixels; ++p)
    store_bytes(to + p * stride, count,
                _mm_load_si128(reinterpret_cast<const __m128i*>(codes + p * 16)));
}
