// out[i] = table[in[i]] over 256 entries; out may be in. Included inside an anonymous namespace.

inline uint8x16x4_t load_entries(const uint8_t* table) {
  return {{vld1q_u8(table), vld1q_u8(table + 16), vld1q_u8(table + 32), vld1q_u8(table + 48)}};
}

inline void lookup_bytes(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table) {
  size_t i = 0;
  if (count >= 64) {
    const uint8x16x4_t first = load_entries(table), second = load_entries(table + 64),
                       third = load_entries(table + 128), fourth = load_entries(table + 192);
    for (; i + 16 <= count; i += 16) {
      const uint8x16_t codes = vld1q_u8(in + i);
      // An index past a part's entries keeps what the others gave.
      uint8x16_t result = vqtbl4q_u8(first, codes);
      result = vqtbx4q_u8(result, second, vsubq_u8(codes, vdupq_n_u8(64)));
      result = vqtbx4q_u8(result, third, vsubq_u8(codes, vdupq_n_u8(128)));
      result = vqtbx4q_u8(result, fourth, vsubq_u8(codes, vdupq_n_u8(192)));
      vst1q_u8(out + i, result);
    }
  }
  for (; i < count; ++i) out[i] = table[in[i]];
}
