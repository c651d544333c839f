// Kits by vpdpbusd: four taps of 16 or 32 channels as u8. Included inside an anonymous namespace
// after wide.inl and the instruction set's dot_codes, load_codes128 and load_codes256.

struct Quads128 : Wide128 {
  using Weight = int8_t;
  static constexpr size_t kGroup = 4, kVectors = 4, kChannels = 16;
  static constexpr int kPixels = 2;
  static constexpr bool kTakesZeros = false, kParts = true, kWindows = true;

  static Int dot(Int sum, Int codes, Int weights) { return dot_codes(sum, codes, weights); }

  template <bool kWhole>
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[4],
                                                               size_t count, uint8_t flip,
                                                               Int (&to)[4]) {
    const Int flips = _mm_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) {
      return _mm_xor_si128(load_codes128(taps[i], kWhole ? 16 : count), flips);
    };
    const Int x0 = tap(0), x1 = tap(1), x2 = tap(2), x3 = tap(3);
    const Int lo01 = _mm_unpacklo_epi8(x0, x1), hi01 = _mm_unpackhi_epi8(x0, x1);
    const Int lo23 = _mm_unpacklo_epi8(x2, x3), hi23 = _mm_unpackhi_epi8(x2, x3);
    to[0] = _mm_unpacklo_epi16(lo01, lo23);
    to[1] = _mm_unpackhi_epi16(lo01, lo23);
    to[2] = _mm_unpacklo_epi16(hi01, hi23);
    to[3] = _mm_unpackhi_epi16(hi01, hi23);
  }
};

struct Quads256 : Wide256 {
  using Weight = int8_t;
  static constexpr size_t kGroup = 4, kVectors = 4, kChannels = 32;
  static constexpr int kPixels = 2;
  static constexpr bool kTakesZeros = false, kParts = false, kWindows = true;

  static Int dot(Int sum, Int codes, Int weights) { return dot_codes(sum, codes, weights); }
  /// Weights with each tap at the next one's place.
  static Int lowered(Int weights) { return _mm256_slli_epi32(weights, 8); }

  template <bool kWhole>
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[4],
                                                               size_t count, uint8_t flip,
                                                               Int (&to)[4]) {
    const Int flips = _mm256_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) {
      return _mm256_xor_si256(load_codes256(taps[i], kWhole ? 32 : count), flips);
    };
    const Int x0 = tap(0), x1 = tap(1), x2 = tap(2), x3 = tap(3);
    const Int lo01 = _mm256_unpacklo_epi8(x0, x1), hi01 = _mm256_unpackhi_epi8(x0, x1);
    const Int lo23 = _mm256_unpacklo_epi8(x2, x3), hi23 = _mm256_unpackhi_epi8(x2, x3);
    to[0] = _mm256_unpacklo_epi16(lo01, lo23);
    to[1] = _mm256_unpackhi_epi16(lo01, lo23);
    to[2] = _mm256_unpacklo_epi16(hi01, hi23);
    to[3] = _mm256_unpackhi_epi16(hi01, hi23);
  }
};
