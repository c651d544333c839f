// Codes by saturating packs. Included inside an anonymous namespace after finish.inl.

class CodePacker {
 public:
  __attribute__((noinline)) explicit CodePacker(const ConvEpilogue& e)
      : high(set_floats(e.high - static_cast<float>(e.zero_point))) {
    const CodeEnds ends(e);
    zero_ = _mm256_set1_epi16(static_cast<int16_t>(ends.zero));
    low_ = _mm_set1_epi8(static_cast<char>(ends.low));
    high_ = _mm_set1_epi8(static_cast<char>(ends.high));
    flip_ = _mm_set1_epi8(static_cast<char>(ends.flip));
  }

  using Codes = __m128i;

  /// Codes of values that are rounded.
  template <bool kBare, int kBlocks>
  inline __attribute__((always_inline)) Codes pack(const Ints (&v)[kBlocks]) const {
    const __m256i packed = _mm256_packs_epi32(v[0].lo, v[0].hi);  // 0-3, 8-11, 4-7, 12-15
    const __m256i ordered = _mm256_permute4x64_epi64(packed, 0xD8);
    const __m256i words = kBare ? ordered : _mm256_adds_epi16(ordered, zero_);
    const __m128i codes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    if constexpr (kBare) return codes;
    return _mm_xor_si128(_mm_min_epu8(_mm_max_epu8(codes, low_), high_), flip_);
  }

  /// Stores the first `count` codes.
  template <int kBlocks>
  static void store(uint8_t* to, size_t count, Codes codes) {
    store_bytes(to, count, codes);
  }

  const Floats high;  // what values are to be held to that may not fit int32

 private:
  __m256i zero_;
  __m128i low_, high_, flip_;
};
