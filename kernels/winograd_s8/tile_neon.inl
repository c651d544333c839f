// The products of driver.inl by smlal. Included inside an anonymous namespace. Weights are by
// block, product, channel, column: see pack_by_channel().

inline constexpr size_t kTileBlocks = 1;   // of 16 columns, that multiply() takes at once
inline constexpr size_t kChunkBlocks = 2;  // whose sums are kept until their outputs are made
inline constexpr size_t kTileRows = 6;

template <int kRows>
__attribute__((noinline)) void multiply_tile(const uint8_t* a, size_t a_stride, size_t pairs,
                                             const int16_t* weights, int32_t* to,
                                             size_t to_stride) {
  int32x4_t acc[kRows][4];
  simd::unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    simd::unroll<4>([&](auto c) __attribute__((always_inline)) { acc[r][c] = vdupq_n_s32(0); });
  });
  for (size_t g = 0; g < pairs; g += 4, a += 16, weights += 128) {
    int16x8_t x[kRows];
    simd::unroll<kRows>([&](auto r) __attribute__((always_inline)) {
      x[r] = vld1q_s16(reinterpret_cast<const int16_t*>(a + r * a_stride));
    });
    simd::unroll<8>([&](auto k) __attribute__((always_inline)) {
      constexpr int kLane = decltype(k)::value;
      const int16x8_t w0 = vld1q_s16(weights + k * 16), w1 = vld1q_s16(weights + k * 16 + 8);
      simd::unroll<kRows>([&](auto r) __attribute__((always_inline)) {
        acc[r][0] = vmlal_laneq_s16(acc[r][0], vget_low_s16(w0), x[r], kLane);
        acc[r][1] = vmlal_high_laneq_s16(acc[r][1], w0, x[r], kLane);
        acc[r][2] = vmlal_laneq_s16(acc[r][2], vget_low_s16(w1), x[r], kLane);
        acc[r][3] = vmlal_high_laneq_s16(acc[r][3], w1, x[r], kLane);
      });
    });
  }
  simd::unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    simd::unroll<4>([&](auto c) __attribute__((always_inline)) {
      vst1q_s32(to + r * to_stride + c * 4, acc[r][c]);
    });
  });
}

inline void multiply(size_t rows, size_t /*blocks*/, const uint8_t* a, size_t a_stride,
                     size_t pairs, const int16_t* weights, size_t /*block_words*/, int32_t* to,
                     size_t to_stride) {
  switch (rows) {
    case 6: return multiply_tile<6>(a, a_stride, pairs, weights, to, to_stride);
    case 5: return multiply_tile<5>(a, a_stride, pairs, weights, to, to_stride);
    case 4: return multiply_tile<4>(a, a_stride, pairs, weights, to, to_stride);
    case 3: return multiply_tile<3>(a, a_stride, pairs, weights, to, to_stride);
    case 2: return multiply_tile<2>(a, a_stride, pairs, weights, to, to_stride);
    default: return multiply_tile<1>(a, a_stride, pairs, weights, to, to_stride);
  }
}
