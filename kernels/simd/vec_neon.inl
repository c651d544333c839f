// Integer and float operations on one NEON register's lanes: see vec256.inl. Included inside an
// anonymous namespace, after kernels/simd/neon.h.

struct VecNeon {
  using Int = int32x4_t;
  using Float = float32x4_t;
  static constexpr size_t kLanes = 4;

  // Of the first `count` lanes; loads give 0 and stores keep what was in the others.
  static Int zero_int() { return vdupq_n_s32(0); }
  static Float zero() { return vdupq_n_f32(0.0F); }
  static Int set_int(int32_t v) { return vdupq_n_s32(v); }
  static Float set(float v) { return vdupq_n_f32(v); }
  static Int load_int(const int32_t* p, size_t count) {
    if (count >= kLanes) return vld1q_s32(p);
    return vreinterpretq_s32_f32(simd::load_some(reinterpret_cast<const float*>(p), count));
  }
  static Float load(const float* p, size_t count) { return simd::load_some(p, count); }
  static void store_int(int32_t* p, size_t count, Int v) {
    if (count >= kLanes) return vst1q_s32(p, v);
    simd::store_some(reinterpret_cast<float*>(p), count, vreinterpretq_f32_s32(v));
  }
  static void store(float* p, size_t count, Float v) { simd::store_some(p, count, v); }
  // The low byte of each lane.
  static void store_bytes(uint8_t* p, size_t count, Int v) {
    const uint16x4_t words = vmovn_u32(vreinterpretq_u32_s32(v));
    store_some_bytes(p, count, vmovn_u16(vcombine_u16(words, words)));
  }
  static void store_some_bytes(uint8_t* p, size_t count, uint8x8_t bytes) {
    if (count >= kLanes) {
      const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
      __builtin_memcpy(p, &four, sizeof(four));
      return;
    }
    if (count > 0) p[0] = vget_lane_u8(bytes, 0);
    if (count > 1) p[1] = vget_lane_u8(bytes, 1);
    if (count > 2) p[2] = vget_lane_u8(bytes, 2);
  }
  static Int add(Int a, Int b) { return vaddq_s32(a, b); }
  static Int subtract(Int a, Int b) { return vsubq_s32(a, b); }
  static Int multiply_int(Int a, Int b) { return vmulq_s32(a, b); }
  static Float add(Float a, Float b) { return vaddq_f32(a, b); }
  static Float subtract(Float a, Float b) { return vsubq_f32(a, b); }
  static Float multiply(Float a, Float b) { return vmulq_f32(a, b); }
  static Float fma(Float a, Float b, Float c) { return vfmaq_f32(c, a, b); }
  // b where either is NaN.
  static Float max(Float a, Float b) { return math::greater(a, b); }
  static Float min(Float a, Float b) { return math::lesser(a, b); }
  // A NaN stays; of zeros the result may have either sign.
  static Float at_most(Float v, Float limit) { return vminq_f32(v, limit); }
  static Float to_float(Int v) { return vcvtq_f32_s32(v); }
  static Int round(Float v) { return vcvtnq_s32_f32(v); }

  // Rounded values to codes: see vec512.inl.
  class CodePacker {
   public:
    CodePacker(int32_t zero_point, int32_t low, bool is_signed)
        : zero_(vdupq_n_s16(static_cast<int16_t>(zero_point + (is_signed ? 128 : 0)))),
          low_(vdupq_n_u8(static_cast<uint8_t>(low + (is_signed ? 128 : 0)))),
          flip_(vdupq_n_u8(is_signed ? 128 : 0)) {}
    template <size_t N>
    void store(uint8_t* p, size_t count, const Int (&v)[N]) const {
      if constexpr (N == 4)
        if (count >= 4 * kLanes) return vst1q_u8(p, codes(v[0], v[1], v[2], v[3]));
      for (size_t i = 0; i < N; ++i)
        store_some_bytes(p + i * kLanes, count - i * kLanes,
                         vget_low_u8(codes(v[i], v[i], v[i], v[i])));
    }

   private:
    uint8x16_t codes(Int a, Int b, Int c, Int d) const {
      const int16x8_t low = vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), zero_);
      const int16x8_t high = vqaddq_s16(vcombine_s16(vqmovn_s32(c), vqmovn_s32(d)), zero_);
      const uint8x16_t saturated = vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
      return veorq_u8(vmaxq_u8(saturated, low_), flip_);
    }
    int16x8_t zero_;
    uint8x16_t low_, flip_;
  };
};
