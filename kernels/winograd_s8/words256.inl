// What transform.inl and driver.inl compute with, on AVX2. Included inside an anonymous namespace
// after lanes256.inl and codes256.inl. words512.inl is the same on AVX-512.

struct Words {
  __m256i v;
};
inline constexpr size_t kWords = 16;

template <bool kSigned>
Words load_code_words(const uint8_t* from) {
  const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return {kSigned ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes)};
}
inline void store_words(void* to, Words v) { _mm256_store_si256(static_cast<__m256i*>(to), v.v); }
inline Words set_words(int16_t v) { return {_mm256_set1_epi16(v)}; }
inline Words add(Words a, Words b) { return {_mm256_add_epi16(a.v, b.v)}; }
inline Words sub(Words a, Words b) { return {_mm256_sub_epi16(a.v, b.v)}; }
template <int kBits>
Words shift_left(Words a) {
  return {_mm256_slli_epi16(a.v, kBits)};
}
template <int kBits>
Ints shift_left(Ints a) {
  return {_mm256_slli_epi32(a.lo, kBits), _mm256_slli_epi32(a.hi, kBits)};
}
template <int kBits>
Ints shift_right(Ints a) {
  return {_mm256_srai_epi32(a.lo, kBits), _mm256_srai_epi32(a.hi, kBits)};
}

/// Stores `count` codes each of the first `pixels` values, `stride` bytes apart.
template <bool kBare>
inline void store_pixels(const CodePacker& pack, uint8_t* to, size_t stride, size_t pixels,
                         size_t count, const Ints (&v)[4]) {
  for (size_t p = 0; p < pixels; ++p) {
    const Ints one[1] = {v[p]};
    CodePacker::store<1>(to + p * stride, count, pack.pack<kBare>(one));
  }
}
