// The kit by smlal: two taps of 16 channels, widened to s16. Included inside an anonymous namespace
// after wide_neon.inl.

struct PairsNeon {
  /// Eight lanes of sums, or the s16 codes of eight channels for two taps.
  struct Int {
    int32x4_t lo, hi;
  };
  struct Float {
    float32x4_t lo, hi;
  };
  using Weight = int16_t;
  using Ends = NeonEnds;
  static constexpr size_t kGroup = 2, kVectors = 2, kChannels = 16;
  static constexpr int kPixels = 4;
  static constexpr bool kTakesZeros = true, kParts = true, kWindows = true;
  static constexpr size_t kTapLanes = 8;

  static Int load(const void* p) {
    const auto* at = static_cast<const int32_t*>(p);
    return {vld1q_s32(at), vld1q_s32(at + 4)};
  }
  static Float load_floats(const void* p) {
    const auto* at = static_cast<const float*>(p);
    return {vld1q_f32(at), vld1q_f32(at + 4)};
  }
  static void store(void* p, Int v) {
    auto* at = static_cast<int32_t*>(p);
    vst1q_s32(at, v.lo);
    vst1q_s32(at + 4, v.hi);
  }
  static Int set(int32_t v) { return {vdupq_n_s32(v), vdupq_n_s32(v)}; }
  static Int sub(Int a, Int b) { return {vsubq_s32(a.lo, b.lo), vsubq_s32(a.hi, b.hi)}; }
  static Int mul(Int a, Int b) { return {vmulq_s32(a.lo, b.lo), vmulq_s32(a.hi, b.hi)}; }
  static void spread(int32_t* to, size_t step, Int v) {
    vst1q_s32(to, v.lo);
    vst1q_s32(to + 4 * step, v.hi);
  }
  static Int scaled(Int sum, Float multiplier, Float bias) {
    return {scaled_sums(sum.lo, multiplier.lo, bias.lo),
            scaled_sums(sum.hi, multiplier.hi, bias.hi)};
  }
  static Int swished(Int sum, Float multiplier, Float bias, Float slope) {
    return {swished_sums(sum.lo, multiplier.lo, bias.lo, slope.lo),
            swished_sums(sum.hi, multiplier.hi, bias.hi, slope.hi)};
  }
  static Float set_float(float v) { return {vdupq_n_f32(v), vdupq_n_f32(v)}; }

  static inline __attribute__((always_inline)) Int dot(Int sum, Int codes, Int weights) {
    const int16x8_t x0 = vreinterpretq_s16_s32(codes.lo), x1 = vreinterpretq_s16_s32(codes.hi);
    const int16x8_t w0 = vreinterpretq_s16_s32(weights.lo), w1 = vreinterpretq_s16_s32(weights.hi);
    sum.lo = vmlal_s16(sum.lo, vget_low_s16(x0), vget_low_s16(w0));
    sum.hi = vmlal_high_s16(sum.hi, x0, w0);
    sum.lo = vmlal_s16(sum.lo, vget_low_s16(x1), vget_low_s16(w1));
    sum.hi = vmlal_high_s16(sum.hi, x1, w1);
    return sum;
  }

  /// Channels 0 to 3 and 8 to 11 make the first vector.
  template <bool kWhole>
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[2],
                                                               size_t count, uint8_t flip,
                                                               Int (&to)[2]) {
    int32x4_t even[2], odd[2];
    simd::unroll<2>([&](auto i) __attribute__((always_inline)) {
      const uint8x16_t x = veorq_u8(load_bytes(taps[i], kWhole ? 16 : count), vdupq_n_u8(flip));
      const uint32x4_t fours = vreinterpretq_u32_u8(x);
      const uint8x16_t evens = vreinterpretq_u8_u32(vuzp1q_u32(fours, fours));
      const uint8x16_t odds = vreinterpretq_u8_u32(vuzp2q_u32(fours, fours));
      even[i] = vreinterpretq_s32_u16(vmovl_u8(vget_low_u8(evens)));
      odd[i] = vreinterpretq_s32_u16(vmovl_u8(vget_low_u8(odds)));
    });
    to[0] = {even[0], even[1]};
    to[1] = {odd[0], odd[1]};
  }

  template <bool kWhole>
  static void store_codes(const Ends& ends, const Int (&v)[2], uint8_t* to, size_t count) {
    store_ends(ends, {v[0].lo, v[1].lo, v[0].hi, v[1].hi}, to, kWhole ? 16 : count);
  }
};
