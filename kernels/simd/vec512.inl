// Integer and float operations on one register's lanes, for code over registers of either width
// (the lanes of lanes512.inl are always sixteen). Included inside an anonymous namespace.

struct Vec512 {
  using Int = __m512i;
  using Float = __m512;
  static constexpr size_t kLanes = 16;

  // Of the first `count` lanes; loads give 0 and stores keep what was in the others.
  static __mmask16 mask(size_t count) { return static_cast<__mmask16>((1U << count) - 1); }
  static Int zero_int() { return _mm512_setzero_si512(); }
  static Float zero() { return _mm512_setzero_ps(); }
  static Int set_int(int32_t v) { return _mm512_set1_epi32(v); }
  static Float set(float v) { return _mm512_set1_ps(v); }
  static Int load_int(const int32_t* p, size_t count) {
    return _mm512_maskz_loadu_epi32(mask(count), p);
  }
  static Float load(const float* p, size_t count) { return _mm512_maskz_loadu_ps(mask(count), p); }
  static void store_int(int32_t* p, size_t count, Int v) {
    _mm512_mask_storeu_epi32(p, mask(count), v);
  }
  static void store(float* p, size_t count, Float v) { _mm512_mask_storeu_ps(p, mask(count), v); }
  // The low byte of each lane.
  static void store_bytes(uint8_t* p, size_t count, Int v) {
    const __m128i bytes = _mm512_cvtepi32_epi8(v);
    if (count == kLanes)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
    else
      _mm_mask_storeu_epi8(p, mask(count), bytes);
  }
  static Int add(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int subtract(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int shift_left(Int v, int bits) {
    return _mm512_slli_epi32(v, static_cast<unsigned>(bits));
  }
  static Int shift_right(Int v, int bits) {
    return _mm512_srai_epi32(v, static_cast<unsigned>(bits));
  }
  static Int multiply_int(Int a, Int b) { return _mm512_mullo_epi32(a, b); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  static Float min(Float a, Float b) { return _mm512_min_ps(a, b); }
  // A NaN stays.
  static Float at_most(Float v, Float limit) { return _mm512_min_ps(limit, v); }
  static Float to_float(Int v) { return _mm512_cvtepi32_ps(v); }
  static Int round(Float v) { return _mm512_cvtps_epi32(v); }

  // Rounded values to codes, saturating: plus the zero point, no lower than `low`. The caller holds
  // them at the upper end.
  class CodePacker {
   public:
    CodePacker(int32_t zero_point, int32_t low, bool is_signed)
        : zero_(_mm512_set1_epi16(static_cast<int16_t>(zero_point + (is_signed ? 128 : 0)))),
          low_(_mm512_set1_epi8(static_cast<char>(low + (is_signed ? 128 : 0)))),
          flip_(_mm512_set1_epi8(static_cast<char>(is_signed ? 128 : 0))) {}
    // The first `count` of up to four vectors.
    template <size_t N>
    void store(uint8_t* p, size_t count, const Int (&v)[N]) const {
      const Int first = words(v[0], v[N > 1 ? 1 : 0]);
      const Int second = N > 2 ? words(v[N > 2 ? 2 : 0], v[N - 1]) : first;
      // Packing leaves four codes of each vector in a 128-bit lane.
      const Int order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
      Int codes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(first, second));
      codes = _mm512_xor_si512(_mm512_max_epu8(codes, low_), flip_);
      if (N == 4 && count >= 64) return _mm512_storeu_si512(p, codes);
      _mm512_mask_storeu_epi8(p, count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1, codes);
    }

   private:
    Int words(Int a, Int b) const { return _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero_); }
    Int zero_, low_, flip_;
  };
};
