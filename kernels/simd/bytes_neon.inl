// Operations on sixteen codes: see bytes128.inl. Included inside an anonymous namespace, after
// lanes_neon.inl.

template <bool kSigned>
inline Bytes lowest_codes() {
  return vdupq_n_u8(kSigned ? 0x80 : 0);
}
template <bool kSigned>
inline Bytes max_codes(Bytes a, Bytes b) {
  if constexpr (!kSigned) return vmaxq_u8(a, b);
  return vreinterpretq_u8_s8(vmaxq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)));
}

/// `count` <= 16 codes of 4 bits, two a byte, the first in the upper half when `odd`.
inline Bytes load_nibble_codes(const uint8_t* at, bool odd, bool is_signed, size_t count) {
  const Bytes bytes = load_bytes(at, (count + (odd ? 2 : 1)) / 2);
  const Bytes even_codes = vandq_u8(bytes, vdupq_n_u8(15)), odd_codes = vshrq_n_u8(bytes, 4);
  Bytes codes = vzip1q_u8(even_codes, odd_codes);
  if (odd) codes = vextq_u8(codes, vzip2q_u8(even_codes, odd_codes), 1);
  const Bytes sign = vdupq_n_u8(8);
  return is_signed ? vsubq_u8(veorq_u8(codes, sign), sign) : codes;
}
