// What transform.inl and driver.inl compute with, on NEON: see words256.inl.

struct Words {
  int16x8_t v;
};
inline constexpr size_t kWords = 8;

template <bool kSigned>
Words load_code_words(const uint8_t* from) {
  const uint8x8_t codes = vld1_u8(from);
  return {kSigned ? vmovl_s8(vreinterpret_s8_u8(codes)) : vreinterpretq_s16_u16(vmovl_u8(codes))};
}
inline void store_words(void* to, Words v) { vst1q_s16(static_cast<int16_t*>(to), v.v); }
inline Words set_words(int16_t v) { return {vdupq_n_s16(v)}; }
inline Words add(Words a, Words b) { return {vaddq_s16(a.v, b.v)}; }
inline Words sub(Words a, Words b) { return {vsubq_s16(a.v, b.v)}; }
template <int kBits>
Words shift_left(Words a) {
  return {vshlq_n_s16(a.v, kBits)};
}
template <int kBits>
Ints shift_left(Ints a) {
  return {vshlq_n_s32(a.a, kBits), vshlq_n_s32(a.b, kBits), vshlq_n_s32(a.c, kBits),
          vshlq_n_s32(a.d, kBits)};
}
template <int kBits>
Ints shift_right(Ints a) {
  return {vshrq_n_s32(a.a, kBits), vshrq_n_s32(a.b, kBits), vshrq_n_s32(a.c, kBits),
          vshrq_n_s32(a.d, kBits)};
}

/// Stores `count` codes each of the first `pixels` values, `stride` bytes apart.
template <bool kBare>
inline void store_pixels(const CodePacker& pack, uint8_t* to, size_t stride, size_t pixels,
                         size_t count, const Ints (&v)[4]) {
  for (size_t p = 0; p < pixels; ++p) {
    const Ints one[1] = {v[p]};
    CodePacker::store<1>(to + p * stride, count, pack.pack<kBare>(one));
  }
}
