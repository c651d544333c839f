// Products of s8 rows with panels of 16 columns of s8 codes by smmla, a single row by sdot: see
// rows_smull.inl for the form of both. Included inside an anonymous namespace after <arm_neon.h>
// and unroll.h.

constexpr size_t kGroup = 8;
constexpr size_t kTileRows = 8;

inline constexpr bool has_lowest(const int8_t* /*panel*/, size_t /*steps*/) { return false; }

// P pairs of rows by C pairs of columns, into out[2 P][16]. A vector of sums is a square of 2 by 2.
template <int P, int C>
void multiply_pairs(const int8_t* a, size_t a_stride, const int8_t* panel, size_t steps,
                    int32_t* out) {
  int32x4_t acc[P][C];
  simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
    simd::unroll<C>([&](auto c) __attribute__((always_inline)) { acc[p][c] = vdupq_n_s32(0); });
  });
  for (size_t s = 0; s < steps; ++s, a += 16, panel += 256) {
    int8x16_t x[2][P];
    simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
      const int64x2_t upper = vreinterpretq_s64_s8(vld1q_s8(a + 2 * p * a_stride));
      const int64x2_t lower = vreinterpretq_s64_s8(vld1q_s8(a + (2 * p + 1) * a_stride));
      x[0][p] = vreinterpretq_s8_s64(vzip1q_s64(upper, lower));
      x[1][p] = vreinterpretq_s8_s64(vzip2q_s64(upper, lower));
    });
    simd::unroll<2>([&](auto g) __attribute__((always_inline)) {
      simd::unroll<C>([&](auto c) __attribute__((always_inline)) {
        const int8x16_t w = vld1q_s8(panel + g * 128 + c * 16);
        simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
          acc[p][c] = vmmlaq_s32(acc[p][c], x[g][p], w);
        });
      });
    });
  }
  simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
    simd::unroll<C>([&](auto c) __attribute__((always_inline)) {
      int32_t* to = out + 2 * p * 16 + c * 2;
      vst1_s32(to, vget_low_s32(acc[p][c]));
      vst1_s32(to + 16, vget_high_s32(acc[p][c]));
    });
  });
}

inline void multiply_one(const int8_t* a, const int8_t* panel, size_t steps, int32_t* out) {
  int32x4_t acc[8];
  simd::unroll<8>([&](auto c) __attribute__((always_inline)) { acc[c] = vdupq_n_s32(0); });
  for (size_t s = 0; s < 2 * steps; ++s, a += 8, panel += 128) {
    const int8x8_t half = vld1_s8(a);
    const int8x16_t x = vcombine_s8(half, half);
    simd::unroll<8>([&](auto c) __attribute__((always_inline)) {
      acc[c] = vdotq_s32(acc[c], x, vld1q_s8(panel + c * 16));
    });
  }
  simd::unroll<4>([&](auto v) __attribute__((always_inline)) {
    vst1q_s32(out + v * 4, vpaddq_s32(acc[2 * v], acc[2 * v + 1]));
  });
}

// Sums of at most kTileRows rows with a panel into out[rows][16].
inline void multiply_tile(size_t rows, const int8_t* a, size_t a_stride, const int8_t* panel,
                          size_t steps, bool /*lowest*/, int32_t* out) {
  if (rows == 8) {
    multiply_pairs<4, 4>(a, a_stride, panel, steps, out);
    return multiply_pairs<4, 4>(a, a_stride, panel + 64, steps, out + 8);
  }
  const auto multiply = [&](auto pairs) {
    constexpr int kPairs = decltype(pairs)::value;
    multiply_pairs<kPairs, 8>(a, a_stride, panel, steps, out);
    a += 2 * kPairs * a_stride;
    out += 2 * kPairs * 16;
  };
  if (rows >= 4) multiply(simd::Index<2>{});
  if (rows % 4 >= 2) multiply(simd::Index<1>{});
  if (rows % 2 != 0) multiply_one(a, panel, steps, out);
}
