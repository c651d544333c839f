// Products of s8 rows with panels of 16 columns of s8 codes by smull, smlal2 and sadalp: NEON
// without dot products. Included inside an anonymous namespace after <arm_neon.h> and unroll.h.
//
// A panel is [steps of 16 depths][16 / kGroup][16 columns][kGroup]. Two products are added in s16
// before they are widened, which only two of (-128) * (-128) overflow: where codes of the panel
// may be -128, each is widened on its own.

constexpr size_t kGroup = 16;
constexpr size_t kTileRows = 3;

// Whether a code of the panel is -128.
inline bool has_lowest(const int8_t* panel, size_t steps) {
  uint8x16_t any = vdupq_n_u8(0);
  for (size_t i = 0; i < steps * 256; i += 16)
    any = vorrq_u8(any, vceqq_s8(vld1q_s8(panel + i), vdupq_n_s8(-128)));
  return vmaxvq_u8(any) != 0;
}

// Columns whose codes are loaded together.
constexpr int columns_at_once(int rows) { return rows == 1 ? 4 : 2; }

// Three products at a time or more, so that those of in-order cores overlap.
template <bool kLowest, int R, int C>
inline __attribute__((always_inline)) void add_products(const int8x16_t (&x)[R],
                                                        const int8_t* weights,
                                                        int32x4_t (&acc)[R][C], int first) {
  constexpr int kColumns = columns_at_once(R), kTogether = R < 3 ? kColumns : 1;
  int8x16_t w[kColumns];
  simd::unroll<kColumns>([&](auto c)
                             __attribute__((always_inline)) { w[c] = vld1q_s8(weights + c * 16); });
  simd::unroll<kColumns / kTogether>([&](auto i) __attribute__((always_inline)) {
    constexpr int kFrom = decltype(i)::value * kTogether;
    int16x8_t p[kTogether][R];
    simd::unroll<kTogether>([&](auto c) __attribute__((always_inline)) {
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        p[c][r] = vmull_s8(vget_low_s8(x[r]), vget_low_s8(w[kFrom + c]));
      });
    });
    simd::unroll<kTogether>([&](auto c) __attribute__((always_inline)) {
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        int32x4_t& sum = acc[r][first + kFrom + c];
        if constexpr (kLowest) {
          sum = vpadalq_s16(sum, p[c][r]);
          p[c][r] = vmull_high_s8(x[r], w[kFrom + c]);
        } else {
          p[c][r] = vmlal_high_s8(p[c][r], x[r], w[kFrom + c]);
        }
      });
    });
    simd::unroll<kTogether>([&](auto c) __attribute__((always_inline)) {
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        int32x4_t& sum = acc[r][first + kFrom + c];
        sum = vpadalq_s16(sum, p[c][r]);
      });
    });
  });
}

// R rows by C columns, into out[R][16].
template <bool kLowest, int R, int C>
void multiply_columns(const int8_t* a, size_t a_stride, const int8_t* panel, size_t steps,
                      int32_t* out) {
  int32x4_t acc[R][C];
  simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
    simd::unroll<C>([&](auto c) __attribute__((always_inline)) { acc[r][c] = vdupq_n_s32(0); });
  });
  for (size_t s = 0; s < steps; ++s, a += 16, panel += 256) {
    int8x16_t x[R];
    simd::unroll<R>([&](auto r)
                        __attribute__((always_inline)) { x[r] = vld1q_s8(a + r * a_stride); });
    simd::unroll<C / columns_at_once(R)>([&](auto i) __attribute__((always_inline)) {
      constexpr int kFirst = decltype(i)::value * columns_at_once(R);
      add_products<kLowest>(x, panel + kFirst * 16, acc, kFirst);
    });
  }
  simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
    simd::unroll<C / 4>([&](auto i) __attribute__((always_inline)) {
      const int32x4_t(&sums)[C] = acc[r];
      vst1q_s32(out + r * 16 + i * 4, vpaddq_s32(vpaddq_s32(sums[i * 4], sums[i * 4 + 1]),
                                                 vpaddq_s32(sums[i * 4 + 2], sums[i * 4 + 3])));
    });
  });
}

template <bool kLowest, int R>
void multiply_panel(const int8_t* a, size_t a_stride, const int8_t* panel, size_t steps,
                    int32_t* out) {
  constexpr int kColumns = R == 1 ? 16 : 8;
  for (int c = 0; c < 16; c += kColumns)
    multiply_columns<kLowest, R, kColumns>(a, a_stride, panel + c * 16, steps, out + c);
}

// Sums of at most kTileRows rows with a panel into out[rows][16]. Rows are read to the end of the
// last step. `lowest`: codes of the panel may be -128.
inline void multiply_tile(size_t rows, const int8_t* a, size_t a_stride, const int8_t* panel,
                          size_t steps, bool lowest, int32_t* out) {
  const auto multiply = [&](auto r) {
    constexpr int kRows = decltype(r)::value;
    (lowest ? multiply_panel<true, kRows> : multiply_panel<false, kRows>)(a, a_stride, panel, steps,
                                                                          out);
    a += kRows * a_stride;
    out += kRows * 16;
  };
  if (rows == 3) return multiply(simd::Index<3>{});
  if (rows >= 2) multiply(simd::Index<2>{});
  if (rows % 2 != 0) multiply(simd::Index<1>{});
}
