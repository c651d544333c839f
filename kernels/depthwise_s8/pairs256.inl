// The groups of driver.inl by vpmaddwd: two taps of 16 channels, widened to s16. Included inside an
// anonymous namespace after lanes256.inl.

struct Pairs {
  using Int = __m256i;
  using Float = __m256;
  using Weight = int16_t;
  static constexpr size_t kGroup = 2, kVectors = 2, kChannels = 16;
  static constexpr int kPixels = 4;
  static constexpr bool kTakesZeros = true;

  static Int load(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, Int v) { _mm256_store_si256(static_cast<__m256i*>(p), v); }
  static Int set(int32_t v) { return _mm256_set1_epi32(v); }
  static Int sub(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static Int mul(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  static Int dot(Int sum, Int codes, Int weights) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(codes, weights));
  }
  /// Four sums of 32 bits each to a 128-bit lane of `to`, `step` lanes apart.
  static void spread(int32_t* to, size_t step, Int v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(v));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 4 * step), _mm256_extracti128_si256(v, 1));
  }

  static void interleave(const uint8_t* const (&taps)[2], size_t count, uint8_t flip, uint8_t* to) {
    const __m128i flips = _mm_set1_epi8(static_cast<char>(flip));
    const Int a = _mm256_cvtepu8_epi16(_mm_xor_si128(load_bytes(taps[0], count), flips));
    const Int b = _mm256_cvtepu8_epi16(_mm_xor_si128(load_bytes(taps[1], count), flips));
    store(to, _mm256_unpacklo_epi16(a, b));
    store(to + 32, _mm256_unpackhi_epi16(a, b));
  }

  struct Ends {
    Float high;
    Int zero;
    __m128i low, flip;
    explicit Ends(const CodeEnds& ends)
        : high(_mm256_set1_ps(ends.high)),
          zero(_mm256_set1_epi16(static_cast<int16_t>(ends.zero))),
          low(_mm_set1_epi8(static_cast<char>(ends.low))),
          flip(_mm_set1_epi8(static_cast<char>(ends.flip))) {}
  };

  static Int scaled(Int sum, Float multiplier, Float high) {
    return _mm256_cvtps_epi32(
        _mm256_min_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), multiplier), high));
  }
  static Float load_scales(const void* p) { return _mm256_load_ps(static_cast<const float*>(p)); }
  static void store_codes(const Ends& ends, const Int (&v)[2], uint8_t* to, size_t count) {
    const Int words = _mm256_adds_epi16(_mm256_packs_epi32(v[0], v[1]), ends.zero);
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    store_bytes(to, count, _mm_xor_si128(_mm_max_epu8(bytes, ends.low), ends.flip));
  }
};
