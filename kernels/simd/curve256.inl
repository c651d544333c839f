// Codes of a curve, over vec256.inl: see curve512.inl.

// Arguments of a curve to its codes.
class CurvePacker {
 public:
  using Int = Vec256::Int;
  CurvePacker(const CodeCurve& curve, bool is_signed)
      : chords_(curve.chords), pack_(is_signed ? 0 : 128, is_signed ? -128 : 0, is_signed) {}
  template <size_t N>
  void store(uint8_t* p, size_t count, const Int (&v)[N]) const {
    Int codes[N];
#pragma GCC unroll 2
    for (size_t i = 0; i < N; ++i) codes[i] = codes_of(v[i]);
    pack_.store(p, count, codes);
  }

 private:
  // Without a gather, which is slow on some processors.
  Int codes_of(Int v) const {
    const Int argument = _mm256_max_epi32(v, Vec256::zero_int());
    alignas(32) int32_t at[Vec256::kLanes], chords[Vec256::kLanes];
    _mm256_store_si256(reinterpret_cast<__m256i*>(at),
                       _mm256_srli_epi32(argument, CodeCurve::kChordBits));
#pragma GCC unroll 8
    for (size_t i = 0; i < Vec256::kLanes; ++i) __builtin_memcpy(&chords[i], chords_ + at[i], 4);
    const Int place = _mm256_and_si256(argument, _mm256_set1_epi32(511));
    const Int scaled =
        _mm256_madd_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(chords)),
                          _mm256_or_si256(_mm256_slli_epi32(place, 16), _mm256_set1_epi32(512)));
    return _mm256_srai_epi32(_mm256_add_epi32(scaled, _mm256_set1_epi32(256)), 16);
  }
  const CodeCurve::Chord* chords_;
  Vec256::CodePacker pack_;
};
