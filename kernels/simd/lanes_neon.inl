// Sixteen lanes as four NEON registers: see lanes256.inl. Included inside an anonymous namespace,
// after kernels/simd/neon.h.

using Bytes = uint8x16_t;

struct Ints {
  int32x4_t a, b, c, d;
};
struct Floats {
  float32x4_t a, b, c, d;
};

inline Bytes load_bytes(const void* from, size_t count) {
  if (count >= 16) return vld1q_u8(static_cast<const uint8_t*>(from));
  alignas(16) uint8_t bytes[16] = {};
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<const uint8_t*>(from)[i];
  return vld1q_u8(bytes);
}
inline void store_bytes(void* to, size_t count, Bytes v) {
  if (count >= 16) return vst1q_u8(static_cast<uint8_t*>(to), v);
  alignas(16) uint8_t bytes[16];
  vst1q_u8(bytes, v);
  for (size_t i = 0; i < count; ++i) static_cast<uint8_t*>(to)[i] = bytes[i];
}

inline Ints set_ints(int32_t v) {
  const int32x4_t x = vdupq_n_s32(v);
  return {x, x, x, x};
}
inline Floats set_floats(float v) {
  const float32x4_t x = vdupq_n_f32(v);
  return {x, x, x, x};
}

inline Floats load_floats(const float* p, size_t count) {
  if (count >= 16) return {vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
  const simd::F32x16 v = simd::load(p, simd::first(count));
  return {v.a, v.b, v.c, v.d};
}
inline void store_floats(float* p, size_t count, Floats v) {
  const simd::F32x16 x{v.a, v.b, v.c, v.d};
  if (count >= 16) return simd::store(p, x);
  simd::store(p, x, simd::first(count));
}
inline Ints bits_of(Floats v) {
  return {vreinterpretq_s32_f32(v.a), vreinterpretq_s32_f32(v.b), vreinterpretq_s32_f32(v.c),
          vreinterpretq_s32_f32(v.d)};
}
inline Ints load_ints(const int32_t* p, size_t count) {
  if (count >= 16) return {vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)};
  return bits_of(load_floats(reinterpret_cast<const float*>(p), count));
}
inline void store_ints(int32_t* p, size_t count, Ints v) {
  store_floats(reinterpret_cast<float*>(p), count,
               {vreinterpretq_f32_s32(v.a), vreinterpretq_f32_s32(v.b), vreinterpretq_f32_s32(v.c),
                vreinterpretq_f32_s32(v.d)});
}

inline Ints widen_words(int16x8_t lo, int16x8_t hi) {
  return {vmovl_s16(vget_low_s16(lo)), vmovl_high_s16(lo), vmovl_s16(vget_low_s16(hi)),
          vmovl_high_s16(hi)};
}
inline Ints widen_words(uint16x8_t lo, uint16x8_t hi) {
  const auto wide = [](uint32x4_t v) { return vreinterpretq_s32_u32(v); };
  return {wide(vmovl_u16(vget_low_u16(lo))), wide(vmovl_high_u16(lo)),
          wide(vmovl_u16(vget_low_u16(hi))), wide(vmovl_high_u16(hi))};
}
inline Ints widen_codes(Bytes codes, bool is_signed) {
  const int8x16_t s = vreinterpretq_s8_u8(codes);
  if (is_signed) return widen_words(vmovl_s8(vget_low_s8(s)), vmovl_high_s8(s));
  return widen_words(vmovl_u8(vget_low_u8(codes)), vmovl_high_u8(codes));
}
inline Ints load_codes(const void* p, bool is_signed, size_t count) {
  return widen_codes(load_bytes(p, count), is_signed);
}
/// Codes, each xored with `flip`, as u8.
inline Ints load_flipped_codes(const void* p, uint8_t flip, size_t count) {
  return widen_codes(veorq_u8(load_bytes(p, count), vdupq_n_u8(flip)), false);
}
inline Ints load_words(const uint16_t* p, bool is_signed, size_t count) {
  const uint16x8_t lo = vreinterpretq_u16_u8(load_bytes(p, count * 2));
  const uint16x8_t hi =
      count > 8 ? vreinterpretq_u16_u8(load_bytes(p + 8, count * 2 - 16)) : vdupq_n_u16(0);
  if (is_signed) return widen_words(vreinterpretq_s16_u16(lo), vreinterpretq_s16_u16(hi));
  return widen_words(lo, hi);
}
/// The low half of each lane.
inline uint16x8_t narrow_words(int32x4_t lo, int32x4_t hi) {
  return vuzp1q_u16(vreinterpretq_u16_s32(lo), vreinterpretq_u16_s32(hi));
}
inline void store_words(uint16_t* p, size_t count, Ints v) {
  store_bytes(p, count * 2, vreinterpretq_u8_u16(narrow_words(v.a, v.b)));
  if (count > 8) store_bytes(p + 8, count * 2 - 16, vreinterpretq_u8_u16(narrow_words(v.c, v.d)));
}
/// The low byte of each lane.
inline Bytes narrow_codes(Ints v) {
  return vuzp1q_u8(vreinterpretq_u8_u16(narrow_words(v.a, v.b)),
                   vreinterpretq_u8_u16(narrow_words(v.c, v.d)));
}
inline void store_codes(void* p, size_t count, Ints v) { store_bytes(p, count, narrow_codes(v)); }

#define OCTET_LANES(type, name, function)                                                    \
  inline type name(type x, type y) {                                                         \
    return {function(x.a, y.a), function(x.b, y.b), function(x.c, y.c), function(x.d, y.d)}; \
  }
OCTET_LANES(Ints, add, vaddq_s32)
OCTET_LANES(Ints, sub, vsubq_s32)
OCTET_LANES(Ints, mul, vmulq_s32)
OCTET_LANES(Floats, add, vaddq_f32)
OCTET_LANES(Floats, sub, vsubq_f32)
OCTET_LANES(Floats, mul, vmulq_f32)
OCTET_LANES(Floats, div, vdivq_f32)
/// b where either is NaN.
OCTET_LANES(Floats, max, math::greater)
OCTET_LANES(Floats, min, math::lesser)
#undef OCTET_LANES
/// v within two numbers; a NaN stays, and of zeros the result may have either sign.
inline Floats hold(Floats v, Floats low, Floats high) {
  return {vminq_f32(vmaxq_f32(v.a, low.a), high.a), vminq_f32(vmaxq_f32(v.b, low.b), high.b),
          vminq_f32(vmaxq_f32(v.c, low.c), high.c), vminq_f32(vmaxq_f32(v.d, low.d), high.d)};
}

inline Floats to_floats(Ints v) {
  return {vcvtq_f32_s32(v.a), vcvtq_f32_s32(v.b), vcvtq_f32_s32(v.c), vcvtq_f32_s32(v.d)};
}
/// The nearest integers, ties to even; the values fit int32.
inline Ints to_ints(Floats v) {
  return {vcvtnq_s32_f32(v.a), vcvtnq_s32_f32(v.b), vcvtnq_s32_f32(v.c), vcvtnq_s32_f32(v.d)};
}
/// 0 where a lane is NaN.
inline float32x4_t without_nan(float32x4_t v) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), vceqq_f32(v, v)));
}
inline Floats without_nan(Floats v) {
  return {without_nan(v.a), without_nan(v.b), without_nan(v.c), without_nan(v.d)};
}
/// a * b + c and c - a * b, rounded once.
inline Floats fma(Floats x, Floats y, Floats z) {
  return {vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b), vfmaq_f32(z.c, x.c, y.c),
          vfmaq_f32(z.d, x.d, y.d)};
}
inline Floats fnma(Floats x, Floats y, Floats z) {
  return {vfmsq_f32(z.a, x.a, y.a), vfmsq_f32(z.b, x.b, y.b), vfmsq_f32(z.c, x.c, y.c),
          vfmsq_f32(z.d, x.d, y.d)};
}
/// Whether the magnitudes of all lanes are below `limit`; those of NaN aren't.
inline bool all_below(Floats v, float limit) {
  const float32x4_t most = vdupq_n_f32(limit);
  const auto below = [&](float32x4_t four) { return vcltq_f32(vabsq_f32(four), most); };
  const uint32x4_t lower = vandq_u32(below(v.a), below(v.b));
  const uint32x4_t upper = vandq_u32(below(v.c), below(v.d));
  return vminvq_u32(vandq_u32(lower, upper)) != 0;
}
inline float min_lane(Floats v) { return simd::min_lanes({v.a, v.b, v.c, v.d}); }
inline float max_lane(Floats v) { return simd::max_lanes({v.a, v.b, v.c, v.d}); }
