// The groups of driver.inl by vpdpbusd: four taps of 64 channels as u8. Included inside an
// anonymous namespace after quads.inl.

struct Quads512 {
  using Int = __m512i;
  using Float = __m512;
  using Weight = int8_t;
  static constexpr size_t kGroup = 4, kVectors = 4, kChannels = 64;
  static constexpr int kPixels = 4;
  static constexpr bool kTakesZeros = false;

  static Int load(const void* p) { return _mm512_load_si512(p); }
  static void store(void* p, Int v) { _mm512_store_si512(p, v); }
  static Int set(int32_t v) { return _mm512_set1_epi32(v); }
  static Int sub(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int mul(Int a, Int b) { return _mm512_mullo_epi32(a, b); }
  static Int dot(Int sum, Int codes, Int weights) {
    return _mm512_dpbusd_epi32(sum, codes, weights);
  }
  static void spread(int32_t* to, size_t step, Int v) {
    Quads256::spread(to, step, _mm512_castsi512_si256(v));
    Quads256::spread(to + 8 * step, step, _mm512_extracti64x4_epi64(v, 1));
  }
  static __mmask64 mask(size_t count) {
    return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
  }

  static void interleave(const uint8_t* const (&taps)[4], size_t count, uint8_t flip, uint8_t* to) {
    const Int flips = _mm512_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) {
      return _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask(count), taps[i]), flips);
    };
    const Int x0 = tap(0), x1 = tap(1), x2 = tap(2), x3 = tap(3);
    const Int lo01 = _mm512_unpacklo_epi8(x0, x1), hi01 = _mm512_unpackhi_epi8(x0, x1);
    const Int lo23 = _mm512_unpacklo_epi8(x2, x3), hi23 = _mm512_unpackhi_epi8(x2, x3);
    store(to, _mm512_unpacklo_epi16(lo01, lo23));
    store(to + 64, _mm512_unpackhi_epi16(lo01, lo23));
    store(to + 128, _mm512_unpacklo_epi16(hi01, hi23));
    store(to + 192, _mm512_unpackhi_epi16(hi01, hi23));
  }

  struct Ends {
    Float high;
    Int zero;
    __m512i low, flip;
    explicit Ends(const CodeEnds& ends)
        : high(_mm512_set1_ps(ends.high)),
          zero(_mm512_set1_epi16(static_cast<int16_t>(ends.zero))),
          low(_mm512_set1_epi8(static_cast<char>(ends.low))),
          flip(_mm512_set1_epi8(static_cast<char>(ends.flip))) {}
  };

  static Float load_scales(const void* p) { return _mm512_load_ps(static_cast<const float*>(p)); }
  static Int scaled(Int sum, Float multiplier, Float high) {
    return _mm512_cvtps_epi32(
        _mm512_min_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), multiplier), high));
  }
  static void store_codes(const Ends& ends, const Int (&v)[4], uint8_t* to, size_t count) {
    const Int lo = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), ends.zero);
    const Int hi = _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), ends.zero);
    _mm512_mask_storeu_epi8(
        to, mask(count),
        _mm512_xor_si512(_mm512_max_epu8(_mm512_packus_epi16(lo, hi), ends.low), ends.flip));
  }
};
