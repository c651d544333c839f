// Integer and float operations on one register's lanes, for code over registers of either width
// (the lanes of lanes256.inl are always sixteen). Included inside an anonymous namespace.

struct Vec256 {
  using Int = __m256i;
  using Float = __m256;
  static constexpr size_t kLanes = 8;

  // Of the first `count` lanes; loads give 0 and stores keep what was in the others.
  static Int mask(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Int zero_int() { return _mm256_setzero_si256(); }
  static Float zero() { return _mm256_setzero_ps(); }
  static Int set_int(int32_t v) { return _mm256_set1_epi32(v); }
  static Float set(float v) { return _mm256_set1_ps(v); }
  static Int load_int(const int32_t* p, size_t count) {
    return count == kLanes ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))
                           : _mm256_maskload_epi32(p, mask(count));
  }
  static Float load(const float* p, size_t count) {
    return count == kLanes ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, mask(count));
  }
  static void store_int(int32_t* p, size_t count, Int v) {
    if (count == kLanes)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
    else
      _mm256_maskstore_epi32(p, mask(count), v);
  }
  static void store(float* p, size_t count, Float v) {
    if (count == kLanes)
      _mm256_storeu_ps(p, v);
    else
      _mm256_maskstore_ps(p, mask(count), v);
  }
  // The low byte of each lane.
  static void store_bytes(uint8_t* p, size_t count, Int v) {
    const __m256i low =
        _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12,
                         -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i bytes = _mm256_shuffle_epi8(v, low);
    const __m128i packed =
        _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    if (count == kLanes) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(p), packed);
      return;
    }
    alignas(16) uint8_t codes[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(codes), packed);
    for (size_t i = 0; i < count; ++i) p[i] = codes[i];
  }
  static Int add(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static Int subtract(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static Int shift_left(Int v, int bits) { return _mm256_slli_epi32(v, bits); }
  static Int shift_right(Int v, int bits) { return _mm256_srai_epi32(v, bits); }
  static Int multiply_int(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  // A NaN stays.
  static Float at_most(Float v, Float limit) { return _mm256_min_ps(limit, v); }
  static Float to_float(Int v) { return _mm256_cvtepi32_ps(v); }
  static Int round(Float v) { return _mm256_cvtps_epi32(v); }

  // Rounded values to codes: see vec512.inl.
  class CodePacker {
   public:
    CodePacker(int32_t zero_point, int32_t low, bool is_signed)
        : zero_(_mm256_set1_epi16(static_cast<int16_t>(zero_point + (is_signed ? 128 : 0)))),
          low_(_mm_set1_epi8(static_cast<char>(low + (is_signed ? 128 : 0)))),
          flip_(_mm_set1_epi8(static_cast<char>(is_signed ? 128 : 0))) {}
    template <size_t N>
    void store(uint8_t* p, size_t count, const Int (&v)[N]) const {
#pragma GCC unroll 2
      for (size_t i = 0; i < N; i += 2) {
        const Int packed = _mm256_packs_epi32(v[i], v[i + 1 < N ? i + 1 : i]);
        const Int words = _mm256_adds_epi16(_mm256_permute4x64_epi64(packed, 0xD8), zero_);
        const __m128i saturated =
            _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        const __m128i codes = _mm_xor_si128(_mm_max_epu8(saturated, low_), flip_);
        const size_t at = i * kLanes, left = count - at;
        if (left >= 2 * kLanes) {
          _mm_storeu_si128(reinterpret_cast<__m128i*>(p + at), codes);
        } else if (left == kLanes) {
          _mm_storel_epi64(reinterpret_cast<__m128i*>(p + at), codes);
        } else {
          alignas(16) uint8_t some[16];
          _mm_store_si128(reinterpret_cast<__m128i*>(some), codes);
          for (size_t j = 0; j < left; ++j) p[at + j] = some[j];
        }
      }
    }

   private:
    Int zero_;
    __m128i low_, flip_;
  };
};
