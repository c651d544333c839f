// The groups of driver.inl by vpdpbusd: four taps of 16 or 32 channels as u8. Included inside an
// anonymous namespace after the instruction set's dot(sum, codes, weights), load_codes128,
// load_codes256, store_codes128 and store_codes256.

struct Quads128 {
  using Int = __m128i;
  using Float = __m128;
  using Weight = int8_t;
  static constexpr size_t kGroup = 4, kVectors = 4, kChannels = 16;
  static constexpr int kPixels = 2;
  static constexpr bool kTakesZeros = false;

  static Int load(const void* p) { return _mm_load_si128(static_cast<const __m128i*>(p)); }
  static void store(void* p, Int v) { _mm_store_si128(static_cast<__m128i*>(p), v); }
  static Int set(int32_t v) { return _mm_set1_epi32(v); }
  static Int sub(Int a, Int b) { return _mm_sub_epi32(a, b); }
  static Int mul(Int a, Int b) { return _mm_mullo_epi32(a, b); }
  static Int dot(Int sum, Int codes, Int weights) { return dot_codes(sum, codes, weights); }
  static void spread(int32_t* to, size_t /*step*/, Int v) { store(to, v); }

  static void interleave(const uint8_t* const (&taps)[4], size_t count, uint8_t flip, uint8_t* to) {
    const Int flips = _mm_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) { return _mm_xor_si128(load_codes128(taps[i], count), flips); };
    const Int x0 = tap(0), x1 = tap(1), x2 = tap(2), x3 = tap(3);
    const Int lo01 = _mm_unpacklo_epi8(x0, x1), hi01 = _mm_unpackhi_epi8(x0, x1);
    const Int lo23 = _mm_unpacklo_epi8(x2, x3), hi23 = _mm_unpackhi_epi8(x2, x3);
    store(to, _mm_unpacklo_epi16(lo01, lo23));
    store(to + 16, _mm_unpackhi_epi16(lo01, lo23));
    store(to + 32, _mm_unpacklo_epi16(hi01, hi23));
    store(to + 48, _mm_unpackhi_epi16(hi01, hi23));
  }

  struct Ends {
    Float high;
    Int zero;
    __m128i low, flip;
    explicit Ends(const CodeEnds& ends)
        : high(_mm_set1_ps(ends.high)),
          zero(_mm_set1_epi16(static_cast<int16_t>(ends.zero))),
          low(_mm_set1_epi8(static_cast<char>(ends.low))),
          flip(_mm_set1_epi8(static_cast<char>(ends.flip))) {}
  };

  static Float load_scales(const void* p) { return _mm_load_ps(static_cast<const float*>(p)); }
  static Int scaled(Int sum, Float multiplier, Float high) {
    return _mm_cvtps_epi32(_mm_min_ps(_mm_mul_ps(_mm_cvtepi32_ps(sum), multiplier), high));
  }
  static void store_codes(const Ends& ends, const Int (&v)[4], uint8_t* to, size_t count) {
    const Int lo = _mm_adds_epi16(_mm_packs_epi32(v[0], v[1]), ends.zero);
    const Int hi = _mm_adds_epi16(_mm_packs_epi32(v[2], v[3]), ends.zero);
    store_codes128(to, count,
                   _mm_xor_si128(_mm_max_epu8(_mm_packus_epi16(lo, hi), ends.low), ends.flip));
  }
};

struct Quads256 {
  using Int = __m256i;
  using Float = __m256;
  using Weight = int8_t;
  static constexpr size_t kGroup = 4, kVectors = 4, kChannels = 32;
  static constexpr int kPixels = 2;
  static constexpr bool kTakesZeros = false;

  static Int load(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, Int v) { _mm256_store_si256(static_cast<__m256i*>(p), v); }
  static Int set(int32_t v) { return _mm256_set1_epi32(v); }
  static Int sub(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static Int mul(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  static Int dot(Int sum, Int codes, Int weights) { return dot_codes(sum, codes, weights); }
  static void spread(int32_t* to, size_t step, Int v) {
    Quads128::store(to, _mm256_castsi256_si128(v));
    Quads128::store(to + 4 * step, _mm256_extracti128_si256(v, 1));
  }

  static void interleave(const uint8_t* const (&taps)[4], size_t count, uint8_t flip, uint8_t* to) {
    const Int flips = _mm256_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) {
      return _mm256_xor_si256(load_codes256(taps[i], count), flips);
    };
    const Int x0 = tap(0), x1 = tap(1), x2 = tap(2), x3 = tap(3);
    const Int lo01 = _mm256_unpacklo_epi8(x0, x1), hi01 = _mm256_unpackhi_epi8(x0, x1);
    const Int lo23 = _mm256_unpacklo_epi8(x2, x3), hi23 = _mm256_unpackhi_epi8(x2, x3);
    store(to, _mm256_unpacklo_epi16(lo01, lo23));
    store(to + 32, _mm256_unpackhi_epi16(lo01, lo23));
    store(to + 64, _mm256_unpacklo_epi16(hi01, hi23));
    store(to + 96, _mm256_unpackhi_epi16(hi01, hi23));
  }

  struct Ends {
    Float high;
    Int zero;
    __m256i low, flip;
    explicit Ends(const CodeEnds& ends)
        : high(_mm256_set1_ps(ends.high)),
          zero(_mm256_set1_epi16(static_cast<int16_t>(ends.zero))),
          low(_mm256_set1_epi8(static_cast<char>(ends.low))),
          flip(_mm256_set1_epi8(static_cast<char>(ends.flip))) {}
  };

  static Float load_scales(const void* p) { return _mm256_load_ps(static_cast<const float*>(p)); }
  static Int scaled(Int sum, Float multiplier, Float high) {
    return _mm256_cvtps_epi32(
        _mm256_min_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), multiplier), high));
  }
  static void store_codes(const Ends& ends, const Int (&v)[4], uint8_t* to, size_t count) {
    const Int lo = _mm256_adds_epi16(_mm256_packs_epi32(v[0], v[1]), ends.zero);
    const Int hi = _mm256_adds_epi16(_mm256_packs_epi32(v[2], v[3]), ends.zero);
    store_codes256(
        to, count,
        _mm256_xor_si256(_mm256_max_epu8(_mm256_packus_epi16(lo, hi), ends.low), ends.flip));
  }
};
