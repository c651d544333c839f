// Codes of a state as s8 bytes. Two bytes: 256 * high + low + 128. Included inside an anonymous
// namespace.

// Plane i is the bytes of four codes, the lowest first.
template <size_t kBytes>
struct StateBytes {
  uint32_t plane[kBytes];
};

inline uint32_t four_bytes(uint8x8_t bytes) { return vget_lane_u32(vreinterpret_u32_u8(bytes), 0); }

template <size_t kBytes>
inline StateBytes<kBytes> bytes_of(int32x4_t codes) {
  const int16x4_t words = vmovn_s32(codes);
  const uint8x8_t bytes = vreinterpret_u8_s16(words);
  const uint8x8_t low = vuzp1_u8(bytes, bytes);
  if constexpr (kBytes == 1)
    return {four_bytes(low)};
  else
    return {four_bytes(veor_u8(low, vdup_n_u8(0x80))), four_bytes(vuzp2_u8(bytes, bytes))};
}

// What the sums of 256 * high + low lack: 128 times those of the weights.
template <size_t kBytes>
inline int32x4_t corrected_sums(int32x4_t acc, const int32_t* weight_sums) {
  if constexpr (kBytes == 1)
    return acc;
  else
    return vaddq_s32(acc, vshlq_n_s32(vld1q_s32(weight_sums), 7));
}
