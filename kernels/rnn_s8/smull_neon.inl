// Sums of s8 states times s8 weights by smull, smlal and sadalp: two products, each within
// 127 * 128, are added in s16 before they are widened. Included inside an anonymous namespace.
//
// State: int8_t codes[hidden rounded up to 64].

struct ByteDots {
  using Codes = RnnBytes;
  static constexpr size_t kRows = 2, kVectors = 2;

  static size_t state_bytes(size_t hidden) { return ceil_div(hidden, 64) * 64; }

  static void store(void* state, size_t /*hidden*/, size_t begin, int32x4_t codes) {
    const auto bytes = bytes_of<1>(codes);
    __builtin_memcpy(static_cast<uint8_t*>(state) + begin, bytes.plane, sizeof(bytes.plane));
  }

  static int32x4_t corrected(int32x4_t acc, const int32_t* /*weight_sums*/) { return acc; }

  // Two units for each of four and of gates 2 v and 2 v + 1, of N.
  template <size_t N>
  static inline __attribute__((always_inline)) int8x16_t load_gates(const uint8_t* from, size_t v) {
    const auto* codes = reinterpret_cast<const int8_t*>(from) + v * 16;
    return 2 * v + 1 < N ? vld1q_s8(codes) : vcombine_s8(vld1_s8(codes), vdup_n_s8(0));
  }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t /*hidden*/,
      const void* const (&states)[R], size_t begin, size_t end, int32x4_t (&out)[R][P][N]) {
    constexpr size_t kPairs = (N + 1) / 2;
    each<R, P, N>([&](auto r, auto p, auto n)
                      __attribute__((always_inline)) { out[r][p][n] = vdupq_n_s32(0); });
    // kGroups groups from g on, whose codes are all over x.
    const auto add = [&]<size_t kGroups>(size_t g, const int8x16_t(&x)[kGroups][R])
        __attribute__((always_inline)) {
      simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
        int8x16_t w[kGroups][kPairs];
        simd::unroll<kGroups>([&](auto i) __attribute__((always_inline)) {
          simd::unroll<kPairs>([&](auto v) __attribute__((always_inline)) {
            w[i][v] = load_gates<N>(weights + p * vector_step + (g + i) * group_step, v);
          });
        });
        simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
          int16x8_t sums[2 * kPairs];
          simd::unroll<kPairs>([&](auto v) __attribute__((always_inline)) {
            sums[2 * v] = vmull_s8(vget_low_s8(w[0][v]), vget_low_s8(x[0][r]));
            sums[2 * v + 1] = vmull_high_s8(w[0][v], x[0][r]);
          });
          if constexpr (kGroups == 2)
            simd::unroll<kPairs>([&](auto v) __attribute__((always_inline)) {
              sums[2 * v] = vmlal_s8(sums[2 * v], vget_low_s8(w[1][v]), vget_low_s8(x[1][r]));
              sums[2 * v + 1] = vmlal_high_s8(sums[2 * v + 1], w[1][v], x[1][r]);
            });
          simd::unroll<N>([&](auto n) __attribute__((always_inline)) {
            out[r][p][n] = vpadalq_s16(out[r][p][n], sums[n]);
          });
        });
      });
    };
    size_t g = begin;
    for (; g + 8 <= end; g += 8) {
      int16x8_t eight[R];
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        eight[r] = vreinterpretq_s16_s8(vld1q_s8(static_cast<const int8_t*>(states[r]) + g * 2));
      });
      simd::unroll<4>([&](auto i) __attribute__((always_inline)) {
        constexpr int kLane = 2 * decltype(i)::value;
        int8x16_t x[2][R];
        simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
          x[0][r] = vreinterpretq_s8_s16(vdupq_laneq_s16(eight[r], kLane));
          x[1][r] = vreinterpretq_s8_s16(vdupq_laneq_s16(eight[r], kLane + 1));
        });
        add.template operator()<2>(g + kLane, x);
      });
    }
    for (; g < end; ++g) {
      int8x16_t x[1][R];
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        int16_t codes;
        __builtin_memcpy(&codes, static_cast<const int8_t*>(states[r]) + g * 2, sizeof(codes));
        x[0][r] = vreinterpretq_s8_s16(vdupq_n_s16(codes));
      });
      add.template operator()<1>(g, x);
    }
  }
};
