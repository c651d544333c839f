// Kits by vpmaddwd: two taps of 16 or 32 channels, widened to s16. Included inside an anonymous
// namespace after wide.inl and lanes256.inl.

struct Pairs : Wide256 {
  using Weight = int16_t;
  static constexpr size_t kGroup = 2;
  static constexpr bool kTakesZeros = true;

  static Int dot(Int sum, Int codes, Int weights) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(codes, weights));
  }
};

struct Pairs32 : Pairs {
  static constexpr size_t kVectors = 4, kChannels = 32;
  static constexpr int kPixels = 2;
  static constexpr bool kParts = false, kWindows = false;

  template <bool kWhole>
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[2],
                                                               size_t /*count*/, uint8_t flip,
                                                               Int (&to)[4]) {
    const Int flips = _mm256_set1_epi8(static_cast<char>(flip)), zero = _mm256_setzero_si256();
    const auto tap = [&](size_t i) {
      return _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(taps[i])), flips);
    };
    const Int x0 = tap(0), x1 = tap(1);
    const Int lo = _mm256_unpacklo_epi8(x0, x1), hi = _mm256_unpackhi_epi8(x0, x1);
    // A pair of codes is two bytes: with zeros in between, two words.
    to[0] = spaced<0>(lo, zero);
    to[1] = spaced<1>(lo, zero);
    to[2] = spaced<0>(hi, zero);
    to[3] = spaced<1>(hi, zero);
  }

 private:
  template <int kHalf>
  static Int spaced(Int pairs, Int zero) {
    return kHalf == 0 ? _mm256_unpacklo_epi8(pairs, zero) : _mm256_unpackhi_epi8(pairs, zero);
  }
};

struct Pairs16 : Pairs {
  static constexpr size_t kVectors = 2, kChannels = 16;
  static constexpr int kPixels = 4;
  static constexpr bool kParts = true, kWindows = true;

  template <bool kWhole>
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[2],
                                                               size_t count, uint8_t flip,
                                                               Int (&to)[2]) {
    const __m128i flips = _mm_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) {
      return _mm256_cvtepu8_epi16(_mm_xor_si128(load_bytes(taps[i], kWhole ? 16 : count), flips));
    };
    const Int a = tap(0), b = tap(1);
    to[0] = _mm256_unpacklo_epi16(a, b);
    to[1] = _mm256_unpackhi_epi16(a, b);
  }

  template <bool kWhole>
  static void store_codes(const Ends& ends, const Int (&v)[2], uint8_t* to, size_t count) {
    const Int words = _mm256_adds_epi16(_mm256_packs_epi32(v[0], v[1]), ends.zero);
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    const __m128i held = _mm_min_epu8(_mm_max_epu8(bytes, _mm256_castsi256_si128(ends.low)),
                                      _mm256_castsi256_si128(ends.high));
    store_bytes(to, kWhole ? 16 : count, _mm_xor_si128(held, _mm256_castsi256_si128(ends.flip)));
  }
  template <bool kWhole>
  static void store_bare(const Int (&v)[2], uint8_t* to, size_t count) {
    const Int words = _mm256_packs_epi32(v[0], v[1]);
    store_bytes(
        to, kWhole ? 16 : count,
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
};
