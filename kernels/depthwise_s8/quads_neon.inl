// The kit by sdot: four taps of 16 channels as s8. Included inside an anonymous namespace after
// wide_neon.inl.

struct QuadsNeon {
  using Int = int32x4_t;
  using Float = float32x4_t;
  using Weight = int8_t;
  using Ends = NeonEnds;
  static constexpr size_t kGroup = 4, kVectors = 4, kChannels = 16;
  static constexpr int kPixels = 4;
  static constexpr bool kTakesZeros = false, kSignedCodes = true;
  static constexpr bool kParts = true, kWindows = true;

  static Int load(const void* p) { return vld1q_s32(static_cast<const int32_t*>(p)); }
  static Float load_floats(const void* p) { return vld1q_f32(static_cast<const float*>(p)); }
  static void store(void* p, Int v) { vst1q_s32(static_cast<int32_t*>(p), v); }
  static Int set(int32_t v) { return vdupq_n_s32(v); }
  static Int sub(Int a, Int b) { return vsubq_s32(a, b); }
  static Int mul(Int a, Int b) { return vmulq_s32(a, b); }
  static void spread(int32_t* to, size_t /*step*/, Int v) { store(to, v); }
  static Int scaled(Int sum, Float multiplier, Float bias) {
    return scaled_sums(sum, multiplier, bias);
  }
  static Int swished(Int sum, Float multiplier, Float bias, Float slope) {
    return swished_sums(sum, multiplier, bias, slope);
  }
  static Float set_float(float v) { return vdupq_n_f32(v); }
  static Int dot(Int sum, Int codes, Int weights) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(codes), vreinterpretq_s8_s32(weights));
  }

  template <bool kWhole>
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[4],
                                                               size_t count, uint8_t flip,
                                                               Int (&to)[4]) {
    const auto tap = [&](size_t i) __attribute__((always_inline)) {
      return veorq_u8(load_bytes(taps[i], kWhole ? 16 : count), vdupq_n_u8(flip));
    };
    const uint8x16_t x0 = tap(0), x1 = tap(1), x2 = tap(2), x3 = tap(3);
    const auto pairs = [](uint8x16_t v) { return vreinterpretq_u16_u8(v); };
    const uint16x8_t lo01 = pairs(vzip1q_u8(x0, x1)), hi01 = pairs(vzip2q_u8(x0, x1));
    const uint16x8_t lo23 = pairs(vzip1q_u8(x2, x3)), hi23 = pairs(vzip2q_u8(x2, x3));
    to[0] = vreinterpretq_s32_u16(vzip1q_u16(lo01, lo23));
    to[1] = vreinterpretq_s32_u16(vzip2q_u16(lo01, lo23));
    to[2] = vreinterpretq_s32_u16(vzip1q_u16(hi01, hi23));
    to[3] = vreinterpretq_s32_u16(vzip2q_u16(hi01, hi23));
  }

  template <bool kWhole>
  static void store_codes(const Ends& ends, const Int (&v)[4], uint8_t* to, size_t count) {
    store_ends(ends, {v[0], v[1], v[2], v[3]}, to, kWhole ? 16 : count);
  }
};
