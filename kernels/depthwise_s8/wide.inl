// What depthwise_s8's kits of 128 and 256 bits share: see driver.inl. Included inside an anonymous
// namespace after finish.inl and the instruction set's store_codes128 and store_codes256.

struct Wide128 {
  using Int = __m128i;
  using Float = __m128;

  static Int load(const void* p) { return _mm_load_si128(static_cast<const __m128i*>(p)); }
  static void store(void* p, Int v) { _mm_store_si128(static_cast<__m128i*>(p), v); }
  static Int set(int32_t v) { return _mm_set1_epi32(v); }
  static Int sub(Int a, Int b) { return _mm_sub_epi32(a, b); }
  static Int mul(Int a, Int b) { return _mm_mullo_epi32(a, b); }
  static void spread(int32_t* to, size_t /*step*/, Int v) { store(to, v); }

  struct Ends {
    Int zero;
    __m128i low, high, flip;
    explicit Ends(const CodeEnds& ends)
        : zero(_mm_set1_epi16(static_cast<int16_t>(ends.zero))),
          low(_mm_set1_epi8(static_cast<char>(ends.low))),
          high(_mm_set1_epi8(static_cast<char>(ends.high))),
          flip(_mm_set1_epi8(static_cast<char>(ends.flip))) {}
  };

  static Float load_floats(const void* p) { return _mm_load_ps(static_cast<const float*>(p)); }
  static Int scaled(Int sum, Float multiplier, Float bias) {
    return _mm_cvtps_epi32(_mm_add_ps(_mm_mul_ps(_mm_cvtepi32_ps(sum), multiplier), bias));
  }
  static Float real(Int sum, Float multiplier, Float bias, Float low, Float high) {
    const Float v = _mm_add_ps(_mm_mul_ps(_mm_cvtepi32_ps(sum), multiplier), bias);
    return _mm_min_ps(_mm_max_ps(v, low), high);
  }
  /// The same, by swish_slope.
  static Int swished(Int sum, Float multiplier, Float bias, Float slope) {
    const Float v = _mm_add_ps(_mm_mul_ps(_mm_cvtepi32_ps(sum), multiplier), bias);
    const Float gate = _mm_add_ps(_mm_mul_ps(v, slope), _mm_set1_ps(0.5F));
    const Float held = _mm_min_ps(_mm_max_ps(gate, _mm_setzero_ps()), _mm_set1_ps(1.0F));
    return _mm_cvtps_epi32(_mm_mul_ps(v, held));
  }
  static Float set_float(float v) { return _mm_set1_ps(v); }
  template <bool kWhole>
  static void store_codes(const Ends& ends, const Int (&v)[4], uint8_t* to, size_t count) {
    const Int lo = _mm_adds_epi16(_mm_packs_epi32(v[0], v[1]), ends.zero);
    const Int hi = _mm_adds_epi16(_mm_packs_epi32(v[2], v[3]), ends.zero);
    store_codes128(
        to, kWhole ? 16 : count,
        _mm_xor_si128(_mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(lo, hi), ends.low), ends.high),
                      ends.flip));
  }
  template <bool kWhole>
  static void store_bare(const Int (&v)[4], uint8_t* to, size_t count) {
    const Int lo = _mm_packs_epi32(v[0], v[1]), hi = _mm_packs_epi32(v[2], v[3]);
    store_codes128(to, kWhole ? 16 : count, _mm_packus_epi16(lo, hi));
  }
  static void store_floats(float* to, const Float (&v)[4]) {
    simd::unroll<4>([&](auto i) { _mm_storeu_ps(to + 4 * i, v[i]); });
  }
};

struct Wide256 {
  using Int = __m256i;
  using Float = __m256;

  static Int load(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, Int v) { _mm256_store_si256(static_cast<__m256i*>(p), v); }
  static Int set(int32_t v) { return _mm256_set1_epi32(v); }
  static Int sub(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static Int mul(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  static void spread(int32_t* to, size_t step, Int v) {
    Wide128::store(to, _mm256_castsi256_si128(v));
    Wide128::store(to + 4 * step, _mm256_extracti128_si256(v, 1));
  }

  struct Ends {
    Int zero;
    __m256i low, high, flip;
    explicit Ends(const CodeEnds& ends)
        : zero(_mm256_set1_epi16(static_cast<int16_t>(ends.zero))),
          low(_mm256_set1_epi8(static_cast<char>(ends.low))),
          high(_mm256_set1_epi8(static_cast<char>(ends.high))),
          flip(_mm256_set1_epi8(static_cast<char>(ends.flip))) {}
  };

  static Float load_floats(const void* p) { return _mm256_load_ps(static_cast<const float*>(p)); }
  static Int scaled(Int sum, Float multiplier, Float bias) {
    return _mm256_cvtps_epi32(
        _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), multiplier), bias));
  }
  static Float real(Int sum, Float multiplier, Float bias, Float low, Float high) {
    const Float v = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), multiplier), bias);
    return _mm256_min_ps(_mm256_max_ps(v, low), high);
  }
  /// The same, by swish_slope.
  static Int swished(Int sum, Float multiplier, Float bias, Float slope) {
    const Float v = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), multiplier), bias);
    const Float gate = _mm256_add_ps(_mm256_mul_ps(v, slope), _mm256_set1_ps(0.5F));
    const Float held =
        _mm256_min_ps(_mm256_max_ps(gate, _mm256_setzero_ps()), _mm256_set1_ps(1.0F));
    return _mm256_cvtps_epi32(_mm256_mul_ps(v, held));
  }
  static Float set_float(float v) { return _mm256_set1_ps(v); }
  template <bool kWhole>
  static void store_codes(const Ends& ends, const Int (&v)[4], uint8_t* to, size_t count) {
    const Int lo = _mm256_adds_epi16(_mm256_packs_epi32(v[0], v[1]), ends.zero);
    const Int hi = _mm256_adds_epi16(_mm256_packs_epi32(v[2], v[3]), ends.zero);
    store_codes256(
        to, kWhole ? 32 : count,
        _mm256_xor_si256(
            _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(lo, hi), ends.low), ends.high),
            ends.flip));
  }
  template <bool kWhole>
  static void store_bare(const Int (&v)[4], uint8_t* to, size_t count) {
    const Int lo = _mm256_packs_epi32(v[0], v[1]), hi = _mm256_packs_epi32(v[2], v[3]);
    store_codes256(to, kWhole ? 32 : count, _mm256_packus_epi16(lo, hi));
  }
  /// 128-bit lane l of vector v follows lane l of the one before.
  template <int kVectors>
  static void store_floats(float* to, const Float (&v)[kVectors]) {
    simd::unroll<kVectors / 2>([&](auto i) {
      const Float a = v[2 * i], b = v[2 * i + 1];
      _mm256_storeu_ps(to + 8 * i, _mm256_permute2f128_ps(a, b, 0x20));
      _mm256_storeu_ps(to + 4 * kVectors + 8 * i, _mm256_permute2f128_ps(a, b, 0x31));
    });
  }
};
