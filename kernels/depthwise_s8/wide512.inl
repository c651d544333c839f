// The groups of driver.inl by vpdpbusd: four taps of 64 channels as u8. Included inside an
// anonymous namespace after quads.inl.

struct Wide512 {
  using Int = __m512i;
  using Float = __m512;

  static Int load(const void* p) { return _mm512_load_si512(p); }
  static void store(void* p, Int v) { _mm512_store_si512(p, v); }
  static Int set(int32_t v) { return _mm512_set1_epi32(v); }
  static Int sub(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int mul(Int a, Int b) { return _mm512_mullo_epi32(a, b); }
  static void spread(int32_t* to, size_t step, Int v) {
    Wide256::spread(to, step, _mm512_castsi512_si256(v));
    Wide256::spread(to + 8 * step, step, _mm512_extracti64x4_epi64(v, 1));
  }
  static __mmask64 mask(size_t count) {
    return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
  }

  struct Ends {
    Int zero;
    __m512i low, high, flip;
    explicit Ends(const CodeEnds& ends)
        : zero(_mm512_set1_epi16(static_cast<int16_t>(ends.zero))),
          low(_mm512_set1_epi8(static_cast<char>(ends.low))),
          high(_mm512_set1_epi8(static_cast<char>(ends.high))),
          flip(_mm512_set1_epi8(static_cast<char>(ends.flip))) {}
  };

  static Float load_floats(const void* p) { return _mm512_load_ps(static_cast<const float*>(p)); }
  static Int scaled(Int sum, Float multiplier, Float bias) {
    return _mm512_cvtps_epi32(
        _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), multiplier), bias));
  }
  static Float real(Int sum, Float multiplier, Float bias, Float low, Float high) {
    const Float v = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), multiplier), bias);
    return _mm512_min_ps(_mm512_max_ps(v, low), high);
  }
  /// The same, by swish_slope.
  static Int swished(Int sum, Float multiplier, Float bias, Float slope) {
    const Float v = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), multiplier), bias);
    const Float gate = _mm512_add_ps(_mm512_mul_ps(v, slope), _mm512_set1_ps(0.5F));
    const Float held =
        _mm512_min_ps(_mm512_max_ps(gate, _mm512_setzero_ps()), _mm512_set1_ps(1.0F));
    return _mm512_cvtps_epi32(_mm512_mul_ps(v, held));
  }
  static Float set_float(float v) { return _mm512_set1_ps(v); }
  template <bool kWhole>
  static void store_codes(const Ends& ends, const Int (&v)[4], uint8_t* to, size_t count) {
    _mm512_mask_storeu_epi8(to, mask(kWhole ? 64 : count), codes_of(ends, v));
  }
  template <bool kWhole>
  static void store_bare(const Int (&v)[4], uint8_t* to, size_t count) {
    _mm512_mask_storeu_epi8(to, mask(kWhole ? 64 : count), bare_codes(v));
  }
  static Int codes_of(const Ends& ends, const Int (&v)[4]) {
    const Int lo = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), ends.zero);
    const Int hi = _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), ends.zero);
    return _mm512_xor_si512(
        _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(lo, hi), ends.low), ends.high),
        ends.flip);
  }
  static Int bare_codes(const Int (&v)[4]) {
    const Int lo = _mm512_packs_epi32(v[0], v[1]), hi = _mm512_packs_epi32(v[2], v[3]);
    return _mm512_packus_epi16(lo, hi);
  }
  /// By lane, four codes of each of four taps.
  static inline __attribute__((always_inline)) void interleave_quads(Int x0, Int x1, Int x2, Int x3,
                                                                     Int (&to)[4]) {
    const Int lo01 = _mm512_unpacklo_epi8(x0, x1), hi01 = _mm512_unpackhi_epi8(x0, x1);
    const Int lo23 = _mm512_unpacklo_epi8(x2, x3), hi23 = _mm512_unpackhi_epi8(x2, x3);
    to[0] = _mm512_unpacklo_epi16(lo01, lo23);
    to[1] = _mm512_unpackhi_epi16(lo01, lo23);
    to[2] = _mm512_unpacklo_epi16(hi01, hi23);
    to[3] = _mm512_unpackhi_epi16(hi01, hi23);
  }
  /// 128-bit lane l of vector v follows lane l of the one before.
  static void store_floats(float* to, const Float (&v)[4]) {
    const auto bits = [](Float f) { return _mm512_castps_si512(f); };
    const Int a = _mm512_shuffle_i32x4(bits(v[0]), bits(v[1]), 0x44);
    const Int b = _mm512_shuffle_i32x4(bits(v[2]), bits(v[3]), 0x44);
    const Int c = _mm512_shuffle_i32x4(bits(v[0]), bits(v[1]), 0xEE);
    const Int d = _mm512_shuffle_i32x4(bits(v[2]), bits(v[3]), 0xEE);
    _mm512_storeu_si512(to, _mm512_shuffle_i32x4(a, b, 0x88));
    _mm512_storeu_si512(to + 16, _mm512_shuffle_i32x4(a, b, 0xDD));
    _mm512_storeu_si512(to + 32, _mm512_shuffle_i32x4(c, d, 0x88));
    _mm512_storeu_si512(to + 48, _mm512_shuffle_i32x4(c, d, 0xDD));
  }
  static void store_floats(float* to, const Float (&v)[1]) { _mm512_storeu_ps(to, v[0]); }
};

/// Four taps of 64 channels as u8, by vpdpbusd.
struct Quads512 : Wide512 {
  using Weight = int8_t;
  static constexpr size_t kGroup = 4, kVectors = 4, kChannels = 64;
  static constexpr int kPixels = 4;
  static constexpr bool kTakesZeros = false, kParts = false, kWindows = true;

  static Int dot(Int sum, Int codes, Int weights) {
    return _mm512_dpbusd_epi32(sum, codes, weights);
  }
  /// Weights with each tap at the next one's place.
  static Int lowered(Int weights) { return _mm512_slli_epi32(weights, 8); }

  template <bool kWhole>
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[4],
                                                               size_t count, uint8_t flip,
                                                               Int (&to)[4]) {
    const Int flips = _mm512_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) {
      return _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask(kWhole ? 64 : count), taps[i]), flips);
    };
    interleave_quads(tap(0), tap(1), tap(2), tap(3), to);
  }
};

/// Two taps of 16 channels as s16, by vpdpwssd.
struct Pairs512 : Wide512 {
  using Weight = int16_t;
  static constexpr size_t kGroup = 2, kVectors = 1, kChannels = 16;
  static constexpr int kPixels = 4;
  static constexpr bool kTakesZeros = true, kParts = true, kWindows = true;

  static Int dot(Int sum, Int codes, Int weights) {
    return _mm512_dpwssd_epi32(sum, codes, weights);
  }

  template <bool kWhole>
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[2],
                                                               size_t count, uint8_t flip,
                                                               Int (&to)[1]) {
    const __m128i flips = _mm_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) {
      return _mm512_cvtepu8_epi32(_mm_xor_si128(load_bytes(taps[i], kWhole ? 16 : count), flips));
    };
    const Int a = tap(0), b = tap(1);
    to[0] = _mm512_or_si512(a, _mm512_slli_epi32(b, 16));
  }

  template <bool kWhole>
  static void store_codes(const Ends& ends, const Int (&v)[1], uint8_t* to, size_t count) {
    const __m256i words =
        _mm256_adds_epi16(_mm512_cvtsepi32_epi16(v[0]), _mm512_castsi512_si256(ends.zero));
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    const __m128i held = _mm_min_epu8(_mm_max_epu8(bytes, _mm512_castsi512_si128(ends.low)),
                                      _mm512_castsi512_si128(ends.high));
    store_bytes(to, kWhole ? 16 : count, _mm_xor_si128(held, _mm512_castsi512_si128(ends.flip)));
  }
  template <bool kWhole>
  static void store_bare(const Int (&v)[1], uint8_t* to, size_t count) {
    const __m256i words = _mm512_cvtsepi32_epi16(v[0]);
    store_bytes(
        to, kWhole ? 16 : count,
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
};
