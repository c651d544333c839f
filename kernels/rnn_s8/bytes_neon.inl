// s16 codes of a state as 256 * high + low + 128, both s8. Included inside an anonymous namespace.

struct StateBytes {
  uint32_t low, high;  // of four codes
};

inline StateBytes state_bytes(int32x4_t codes) {
  const int16x4_t words = vmovn_s32(codes);
  const uint8x8_t bytes = vreinterpret_u8_s16(words);
  const uint8x8_t low = veor_u8(vuzp1_u8(bytes, bytes), vdup_n_u8(0x80));
  const uint8x8_t high = vuzp2_u8(bytes, bytes);
  return {vget_lane_u32(vreinterpret_u32_u8(low), 0), vget_lane_u32(vreinterpret_u32_u8(high), 0)};
}

// What the sums of 256 * high + low lack: 128 times those of the weights.
inline int32x4_t corrected_sums(int32x4_t acc, const int32_t* weight_sums) {
  return vaddq_s32(acc, vshlq_n_s32(vld1q_s32(weight_sums), 7));
}
