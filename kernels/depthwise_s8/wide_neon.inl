// What depthwise_s8's NEON kits share: see driver.inl. Included inside an anonymous namespace after
// finish.inl.

struct NeonEnds {
  int16x8_t zero;
  uint8x16_t low, high, flip;
  explicit NeonEnds(const CodeEnds& ends)
      : zero(vdupq_n_s16(static_cast<int16_t>(ends.zero))),
        low(vdupq_n_u8(ends.low)),
        high(vdupq_n_u8(ends.high)),
        flip(vdupq_n_u8(ends.flip)) {}
};

inline void store_ends(const NeonEnds& ends, const Ints& v, uint8_t* to, size_t count) {
  const uint8x16_t codes = saturated_codes(v, ends.zero);
  store_bytes(to, count, veorq_u8(vminq_u8(vmaxq_u8(codes, ends.low), ends.high), ends.flip));
}

inline int32x4_t scaled_sums(int32x4_t sum, float32x4_t multiplier, float32x4_t bias) {
  return vcvtnq_s32_f32(vaddq_f32(vmulq_f32(vcvtq_f32_s32(sum), multiplier), bias));
}

/// The same, by swish_slope.
inline int32x4_t swished_sums(int32x4_t sum, float32x4_t multiplier, float32x4_t bias,
                              float32x4_t slope) {
  const float32x4_t v = vaddq_f32(vmulq_f32(vcvtq_f32_s32(sum), multiplier), bias);
  const float32x4_t gate = vaddq_f32(vmulq_f32(v, slope), vdupq_n_f32(0.5F));
  const float32x4_t held = vminq_f32(vmaxq_f32(gate, vdupq_n_f32(0.0F)), vdupq_n_f32(1.0F));
  return vcvtnq_s32_f32(vmulq_f32(v, held));
}
