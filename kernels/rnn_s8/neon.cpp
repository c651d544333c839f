#include "kernels/simd/neon.h"

#include "kernels/rnn_s8/rnn_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/bytes_neon.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/rnn_s8/each.inl"
#include "kernels/rnn_s8/pairs_neon.inl"
#include "kernels/rnn_s8/smull_neon.inl"
#include "kernels/simd/vec_neon.inl"

// Codes of four units for each of N gates.
template <size_t N>
inline __attribute__((always_inline)) int8x16_t load_gates(const uint8_t* from) {
  const auto* codes = reinterpret_cast<const int8_t*>(from);
  if constexpr (N == 4) {
    return vld1q_s8(codes);
  } else {
    int8x8_t first = vdup_n_s8(0), last = vdup_n_s8(0);
    if constexpr (N >= 2) first = vld1_s8(codes);
    if constexpr (N % 2 != 0) {
      uint32_t four;
      __builtin_memcpy(&four, codes + (N - 1) * 4, sizeof(four));
      (N == 1 ? first : last) = vcreate_s8(four);
    }
    return vcombine_s8(first, last);
  }
}

// x + the codes of gates 2 v and 2 v + 1.
template <size_t v>
inline __attribute__((always_inline)) int16x8_t add_gates(int16x8_t x, int8x16_t codes) {
  return v == 0 ? vaddw_s8(x, vget_low_s8(codes)) : vaddw_high_s8(x, codes);
}

// State: PairState.
struct PairDots {
  using Codes = RnnWords;
  static constexpr size_t kRows = 2, kVectors = 3;

  static size_t state_bytes(size_t hidden) { return PairState::bytes(hidden); }

  static void store(void* state, size_t hidden, size_t begin, int32x4_t codes) {
    store_pairs(PairState(state, hidden), begin, vmovn_s32(codes));
  }

  static int32x4_t corrected(int32x4_t acc, const int32_t* pair_products) {
    return vsubq_s32(acc, vld1q_s32(pair_products));
  }

  template <size_t N>
  static inline __attribute__((always_inline)) void add_products(int16x8_t a, int16x8_t b,
                                                                 size_t first,
                                                                 int32x4_t (&acc)[N]) {
    acc[first] = vmlal_s16(acc[first], vget_low_s16(a), vget_low_s16(b));
    if (first + 1 < N) acc[first + 1] = vmlal_high_s16(acc[first + 1], a, b);
  }

  // Adds code * weights of unit k, by products as they are.
  template <size_t P, size_t N>
  static inline __attribute__((always_inline)) void add_unit(const uint8_t* weights,
                                                             size_t vector_step, int16_t code,
                                                             int32x4_t (&acc)[P][N]) {
    simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
      const int8x16_t w = load_gates<N>(weights + p * vector_step);
      simd::unroll<(N + 1) / 2>([&](auto v) __attribute__((always_inline)) {
        add_products<N>(add_gates<v>(vdupq_n_s16(0), w), vdupq_n_s16(code), 2 * v, acc[p]);
      });
    });
  }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t hidden,
      const void* const (&states)[R], size_t begin, size_t end, int32x4_t (&out)[R][P][N]) {
    constexpr size_t kVectors = (N + 1) / 2;
    int32x4_t acc[R][P][N];
    each<R, P, N>([&](auto r, auto p, auto n)
                      __attribute__((always_inline)) { acc[r][p][n] = vdupq_n_s32(0); });
    const int16_t* codes[R];
    for (size_t r = 0; r < R; ++r) codes[r] = static_cast<const int16_t*>(states[r]);
    // Units k and k + 1, whose codes are all over x.
    const auto add_pair = [&](size_t k, const int16x8_t(&x)[R][2]) __attribute__((always_inline)) {
      // In memory's order, so that two are one load; not before the last pair's products, for which
      // the registers are needed.
      __asm__ volatile("" : : : "memory");
      int8x16_t w[2][P];
      simd::unroll<2>([&](auto i) __attribute__((always_inline)) {
        simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
          w[i][p] = load_gates<N>(weights + p * vector_step + (k + i) * group_step);
        });
      });
      simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
        simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
          int16x8_t a[kVectors], b[kVectors];
          simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
            a[v] = add_gates<v>(x[r][0], w[1][p]);
            b[v] = add_gates<v>(x[r][1], w[0][p]);
          });
          simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
            add_products<N>(a[v], b[v], 2 * v, acc[r][p]);
          });
        });
      });
    };
    size_t k = begin;
    for (; k + 8 <= end; k += 8) {
      int16x8_t eight[R];
      simd::unroll<R>([&](auto r)
                          __attribute__((always_inline)) { eight[r] = vld1q_s16(codes[r] + k); });
      simd::unroll<4>([&](auto i) __attribute__((always_inline)) {
        constexpr int kLane = 2 * decltype(i)::value;
        int16x8_t x[R][2];
        simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
          x[r][0] = vdupq_laneq_s16(eight[r], kLane);
          x[r][1] = vdupq_laneq_s16(eight[r], kLane + 1);
        });
        add_pair(k + kLane, x);
      });
    }
    for (; k + 2 <= end; k += 2) {
      int16x8_t x[R][2];
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        x[r][0] = vdupq_n_s16(codes[r][k]);
        x[r][1] = vdupq_n_s16(codes[r][k + 1]);
      });
      add_pair(k, x);
    }
    simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
      const PairState state(states[r], hidden);
      if (k < end) add_unit<P, N>(weights + k * group_step, vector_step, codes[r][k], acc[r]);
      const int32x4_t products =
          vreinterpretq_s32_u32(vdupq_n_u32(state.products[begin / RnnWords::kBlock]));
      simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
        simd::unroll<N>([&](auto n) __attribute__((always_inline)) {
          out[r][p][n] = vsubq_s32(acc[r][p][n], products);
        });
      });
    });
  }
};

using WordCell = CellS8<VecNeon, 1, PairDots>;
using ByteCell = CellS8<VecNeon, 2, ByteDots>;

void pack_words(const RnnWeights& w, void* packed) {
  WordCell::pack(w, packed);
  sum_weight_pairs<WordCell::Packed, WordCell::kVectors>(w, packed);
}

constexpr RnnCell words() {
  RnnCell cell = table_of<WordCell>();
  cell.pack = pack_words;
  return cell;
}

}  // namespace

extern const RnnS8 rnn_s8_neon;
const RnnS8 rnn_s8_neon = {words(), table_of<ByteCell>()};

}  // namespace octet::kernels
