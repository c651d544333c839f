// Codes by saturating narrowings. Included inside an anonymous namespace after finish.inl.

inline uint8x16_t saturated_codes(const Ints& v, int16x8_t zero) {
  const int16x8_t lo = vcombine_s16(vqmovn_s32(v.a), vqmovn_s32(v.b));
  const int16x8_t hi = vcombine_s16(vqmovn_s32(v.c), vqmovn_s32(v.d));
  return vcombine_u8(vqmovun_s16(vqaddq_s16(lo, zero)), vqmovun_s16(vqaddq_s16(hi, zero)));
}

class CodePacker {
 public:
  __attribute__((noinline)) explicit CodePacker(const ConvEpilogue& e)
      : high(set_floats(e.high - static_cast<float>(e.zero_point))) {
    const CodeEnds ends(e);
    zero_ = vdupq_n_s16(static_cast<int16_t>(ends.zero));
    low_ = vdupq_n_u8(ends.low);
    high_ = vdupq_n_u8(ends.high);
    flip_ = vdupq_n_u8(ends.flip);
  }

  using Codes = uint8x16_t;

  /// Codes of values that are rounded.
  template <bool kBare, int kBlocks>
  Codes pack(const Ints (&v)[kBlocks]) const {
    const uint8x16_t codes = saturated_codes(v[0], zero_);
    if constexpr (kBare) return codes;
    return veorq_u8(vminq_u8(vmaxq_u8(codes, low_), high_), flip_);
  }

  /// Stores the first `count` codes.
  template <int kBlocks>
  static void store(uint8_t* to, size_t count, Codes codes) {
    store_bytes(to, count, codes);
  }

  const Floats high;  // what values are to be held to that may not fit int32

 private:
  int16x8_t zero_;
  uint8x16_t low_, high_, flip_;
};
