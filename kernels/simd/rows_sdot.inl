// Products of s8 rows with panels of 16 columns of s8 codes by sdot: see rows_smull.inl for the
// form of both. Included inside an anonymous namespace after <arm_neon.h> and unroll.h.

constexpr size_t kGroup = 4;
constexpr size_t kTileRows = 8;

inline constexpr bool has_lowest(const int8_t* /*panel*/, size_t /*steps*/) { return false; }

// R rows by V vectors of columns, into out[R][16].
template <int R, int V>
void multiply_vectors(const int8_t* a, size_t a_stride, const int8_t* panel, size_t steps,
                      int32_t* out) {
  int32x4_t acc[R][V];
  simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
    simd::unroll<V>([&](auto v) __attribute__((always_inline)) { acc[r][v] = vdupq_n_s32(0); });
  });
  for (size_t s = 0; s < steps; ++s, a += 16, panel += 256) {
    int8x16_t x[R];
    simd::unroll<R>([&](auto r)
                        __attribute__((always_inline)) { x[r] = vld1q_s8(a + r * a_stride); });
    // The next weights are loaded before the products with these, for in-order cores.
    int8x16_t w[2] = {vld1q_s8(panel), vld1q_s8(panel)};
    simd::unroll<4 * V>([&](auto i) __attribute__((always_inline)) {
      constexpr int kNow = decltype(i)::value, kNext = kNow + 1;
      if constexpr (kNext < 4 * V) w[kNext % 2] = vld1q_s8(panel + kNext / V * 64 + kNext % V * 16);
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        int32x4_t& sum = acc[r][kNow % V];
        sum = vdotq_laneq_s32(sum, w[kNow % 2], x[r], kNow / V);
      });
    });
  }
  simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
    simd::unroll<V>([&](auto v) __attribute__((always_inline)) {
      vst1q_s32(out + r * 16 + v * 4, acc[r][v]);
    });
  });
}

// Sums of at most kTileRows rows with a panel into out[rows][16].
inline void multiply_tile(size_t rows, const int8_t* a, size_t a_stride, const int8_t* panel,
                          size_t steps, bool /*lowest*/, int32_t* out) {
  if (rows == 8) {
    multiply_vectors<8, 2>(a, a_stride, panel, steps, out);
    return multiply_vectors<8, 2>(a, a_stride, panel + 32, steps, out + 8);
  }
  const auto multiply = [&](auto r) {
    constexpr int kRows = decltype(r)::value;
    multiply_vectors<kRows, 4>(a, a_stride, panel, steps, out);
    a += kRows * a_stride;
    out += kRows * 16;
  };
  if (rows >= 4) multiply(simd::Index<4>{});
  if (rows % 4 >= 2) multiply(simd::Index<2>{});
  if (rows % 2 != 0) multiply(simd::Index<1>{});
}
