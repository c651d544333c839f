// Codes by saturating packs. Included inside an anonymous namespace after finish.inl.

class CodePacker {
 public:
  __attribute__((noinline)) explicit CodePacker(const ConvEpilogue& e)
      : high(set_floats(e.high - static_cast<float>(e.zero_point))) {
    const CodeEnds ends(e);
    zero_ = _mm512_set1_epi16(static_cast<int16_t>(ends.zero));
    low_ = _mm512_set1_epi8(static_cast<char>(ends.low));
    high_ = _mm512_set1_epi8(static_cast<char>(ends.high));
    flip_ = _mm512_set1_epi8(static_cast<char>(ends.flip));
  }

  using Codes = __m512i;
  /// How many rows' values one pack takes.
  template <int kBlocks>
  static constexpr int kTogether = kBlocks < 3 ? 4 / kBlocks : 1;

  /// Codes of values that are rounded, 16 of each block.
  template <bool kBare, int kBlocks>
  inline __attribute__((always_inline)) Codes pack(const Ints (&v)[kBlocks]) const {
    const __m512i first = words<kBare>(v[0], v[kBlocks > 1 ? 1 : 0]);
    const __m512i second =
        kBlocks > 2 ? words<kBare>(v[kBlocks > 2 ? 2 : 0], v[kBlocks - 1]) : first;
    __m512i codes = _mm512_packus_epi16(first, second);
    if constexpr (!kBare)
      codes = _mm512_xor_si512(_mm512_min_epu8(_mm512_max_epu8(codes, low_), high_), flip_);
    // The packs leave four of each block in a 128-bit lane.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, codes);
  }

  /// Stores the first `count` codes.
  template <int kBlocks>
  static inline __attribute__((always_inline)) void store(uint8_t* to, size_t count, Codes codes) {
    if (count == 16 * kBlocks) return store_whole<kBlocks>(to, codes);
    _mm512_mask_storeu_epi8(to, (__mmask64{1} << count) - 1, codes);
  }

  /// The same of the codes of row `kRow` among those packed together.
  template <int kBlocks, int kRow>
  static inline __attribute__((always_inline)) void store_row(uint8_t* to, size_t count,
                                                              Codes codes) {
    if constexpr (kTogether<kBlocks> == 1) {
      store<kBlocks>(to, count, codes);
    } else if constexpr (kBlocks == 1) {
      const __m128i row = _mm512_extracti32x4_epi32(codes, kRow);
      if (count == 16) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), row);
      _mm_mask_storeu_epi8(to, static_cast<__mmask16>((1U << count) - 1), row);
    } else {
      const __m256i row = _mm512_extracti64x4_epi64(codes, kRow);
      if (count == 32) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), row);
      _mm256_mask_storeu_epi8(to, (1U << count) - 1, row);
    }
  }

  const Floats high;  // what values are to be held to that may not fit int32

 private:
  template <bool kBare>
  inline __attribute__((always_inline)) __m512i words(Ints a, Ints b) const {
    const __m512i packed = _mm512_packs_epi32(a.v, b.v);
    return kBare ? packed : _mm512_adds_epi16(packed, zero_);
  }

  // Masked stores take longer.
  template <int kBlocks>
  static void store_whole(uint8_t* to, __m512i codes) {
    if constexpr (kBlocks == 4) {
      _mm512_storeu_si512(to, codes);
      return;
    }
    if constexpr (kBlocks >= 2)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(codes));
    if constexpr (kBlocks % 2 == 1)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to) + (kBlocks - 1),
                       _mm512_extracti32x4_epi32(codes, kBlocks - 1));
  }

  __m512i zero_, low_, high_, flip_;
};
