// Codes of a curve, over vec_neon.inl: see curve512.inl.

// Arguments of a curve to its codes. The caller holds them at the upper end.
class CurvePacker {
 public:
  using Int = VecNeon::Int;
  CurvePacker(const CodeCurve& curve, bool is_signed) : flip_(vdupq_n_u8(is_signed ? 0 : 128)) {
    const auto* from = reinterpret_cast<const uint8_t*>(curve.chords);
    for (size_t i = 0; i < CodeCurve::kChords; i += 16) {
      const uint8x16x4_t bytes = vld4q_u8(from + i * 4);
      simd::unroll<4>([&](auto plane) { vst1q_u8(planes_[plane] + i, bytes.val[plane]); });
    }
  }
  template <size_t N>
  void store(uint8_t* p, size_t count, const Int (&v)[N]) const {
    const uint8x16_t bytes = codes(v[0], v[N > 1 ? 1 : 0], v[N > 2 ? 2 : 0], v[N - 1]);
    if (N == 4 && count >= 4 * VecNeon::kLanes) return vst1q_u8(p, bytes);
    if (N == 1) return VecNeon::store_some_bytes(p, count, vget_low_u8(bytes));
    uint8_t some[16];
    vst1q_u8(some, bytes);
    for (size_t i = 0; i < count; ++i) p[i] = some[i];
  }

 private:
  // A byte of each of sixteen chords.
  uint8x16_t entries(size_t plane, uint8x16_t chord) const {
    const uint8x16_t first = vqtbl4q_u8(vld1q_u8_x4(planes_[plane]), chord);
    // An index past a part's entries keeps what the other gave.
    return vqtbx4q_u8(first, vld1q_u8_x4(planes_[plane] + 64), vsubq_u8(chord, vdupq_n_u8(64)));
  }
  static int8x8_t words(uint16x8_t argument, uint8x16_t start, uint8x16_t slope) {
    // The place within the chord, times 64.
    const int16x8_t place = vreinterpretq_s16_u16(vshrq_n_u16(vshlq_n_u16(argument, 7), 1));
    const int16x8_t rise = vqrdmulhq_s16(vreinterpretq_s16_u8(slope), place);
    return vqshrn_n_s16(vaddq_s16(vreinterpretq_s16_u8(start), rise), 7);
  }
  uint8x16_t codes(Int a, Int b, Int c, Int d) const {
    const uint16x8_t low = vcombine_u16(vqmovun_s32(a), vqmovun_s32(b));
    const uint16x8_t high = vcombine_u16(vqmovun_s32(c), vqmovun_s32(d));
    const uint8x16_t chord = vshrq_n_u8(vcombine_u8(vshrn_n_u16(low, 8), vshrn_n_u16(high, 8)),
                                        CodeCurve::kChordBits - 8);
    const uint8x16_t start[2] = {entries(0, chord), entries(1, chord)};
    const uint8x16_t slope[2] = {entries(2, chord), entries(3, chord)};
    const int8x16_t held =
        vcombine_s8(words(low, vzip1q_u8(start[0], start[1]), vzip1q_u8(slope[0], slope[1])),
                    words(high, vzip2q_u8(start[0], start[1]), vzip2q_u8(slope[0], slope[1])));
    return veorq_u8(vreinterpretq_u8_s8(held), flip_);
  }

  uint8_t planes_[4][CodeCurve::kChords];  // bytes of the chords, those of equal place together
  uint8x16_t flip_;
};
