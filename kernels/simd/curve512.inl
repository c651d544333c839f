// Codes of a curve, over vec512.inl. Included inside an anonymous namespace, after
// kernels/code_curve.h outside of it.

// Arguments of a curve to its codes. The caller holds them at the upper end.
class CurvePacker {
 public:
  using Int = Vec512::Int;
  CurvePacker(const CodeCurve& curve, bool is_signed)
      : flip_(_mm512_set1_epi8(static_cast<char>(is_signed ? 0 : 128))) {
    alignas(64) int16_t even[32];
    for (int i = 0; i < 32; ++i) even[i] = static_cast<int16_t>(2 * i);
    const Int starts = _mm512_load_si512(even);
    const Int slopes = _mm512_add_epi16(starts, _mm512_set1_epi16(1));
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      const Int first = _mm512_load_si512(curve.chords + i * 32);
      const Int second = _mm512_load_si512(curve.chords + i * 32 + 16);
      start_[i] = _mm512_permutex2var_epi16(first, starts, second);
      slope_[i] = _mm512_permutex2var_epi16(first, slopes, second);
    }
  }
  // The first `count` of up to four vectors.
  template <size_t N>
  void store(uint8_t* p, size_t count, const Int (&v)[N]) const {
    const Int first = words(v[0], v[N > 1 ? 1 : 0]);
    const Int second = N > 2 ? words(v[N > 2 ? 2 : 0], v[N - 1]) : first;
    const Int order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const Int packed = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(first, second));
    const Int codes = _mm512_xor_si512(packed, flip_);
    if (N == 4 && count >= 64) return _mm512_storeu_si512(p, codes);
    _mm512_mask_storeu_epi8(p, count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1, codes);
  }

 private:
  // Of 64 entries on either side of an argument's highest bit.
  static Int entries(const Int (&table)[4], Int chord, __mmask32 upper) {
    return _mm512_mask_blend_epi16(upper, _mm512_permutex2var_epi16(table[0], chord, table[1]),
                                   _mm512_permutex2var_epi16(table[2], chord, table[3]));
  }
  Int words(Int a, Int b) const {
    const Int argument = _mm512_packus_epi32(a, b);
    const Int chord = _mm512_srli_epi16(argument, CodeCurve::kChordBits);
    const __mmask32 upper = _mm512_movepi16_mask(argument);
    // The place within the chord, times 64.
    const Int place = _mm512_srli_epi16(_mm512_slli_epi16(argument, 7), 1);
    const Int rise = _mm512_mulhrs_epi16(entries(slope_, chord, upper), place);
    return _mm512_srai_epi16(_mm512_add_epi16(entries(start_, chord, upper), rise), 7);
  }
  Int start_[4], slope_[4], flip_;
};
