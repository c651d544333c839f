// Codes by saturating packs. Included inside an anonymous namespace after finish.inl.

class CodePacker {
 public:
  explicit CodePacker(const ConvEpilogue& e)
      : high(set_floats(e.high - static_cast<float>(e.zero_point))) {
    const CodeEnds ends(e);
    zero_ = _mm512_set1_epi16(static_cast<int16_t>(ends.zero));
    low_ = _mm512_set1_epi8(static_cast<char>(ends.low));
    flip_ = _mm512_set1_epi8(static_cast<char>(ends.flip));
  }

  /// Stores `count` codes of values that are rounded and at most `high`, 16 of each block.
  template <int kBlocks>
  void store(uint8_t* to, size_t count, const Ints (&v)[kBlocks]) const {
    const __m512i first = words(v[0], v[kBlocks > 1 ? 1 : 0]);
    const __m512i second = kBlocks > 2 ? words(v[kBlocks > 2 ? 2 : 0], v[kBlocks - 1]) : first;
    // The packs leave four of each block in a 128-bit lane.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i codes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(first, second));
    const __mmask64 mask = count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
    _mm512_mask_storeu_epi8(to, mask, _mm512_xor_si512(_mm512_max_epu8(codes, low_), flip_));
  }

  const Floats high;

 private:
  __m512i words(Ints a, Ints b) const {
    return _mm512_adds_epi16(_mm512_packs_epi32(a.v, b.v), zero_);
  }

  __m512i zero_, low_, flip_;
};
