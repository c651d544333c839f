#include "kernels/rnn_s8/rnn_s8.h"
#include "kernels/simd/neon.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/bytes_neon.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/rnn_s8/each.inl"
#include "kernels/simd/vec_neon.inl"

// s8 products by sdot. State: int8_t low[hidden rounded up to 64], int8_t high[as many].
struct Dots {
  static constexpr size_t kRows = 2, kVectors = 2;

  static size_t high_offset(size_t hidden) { return ceil_div(hidden, 64) * 64; }

  static void store(void* state, size_t hidden, size_t begin, int32x4_t codes) {
    const StateBytes bytes = state_bytes(codes);
    auto* low = static_cast<uint8_t*>(state) + begin;
    __builtin_memcpy(low, &bytes.low, sizeof(bytes.low));
    __builtin_memcpy(low + high_offset(hidden), &bytes.high, sizeof(bytes.high));
  }

  static int32x4_t corrected(int32x4_t acc, const int32_t* weight_sums) {
    return corrected_sums(acc, weight_sums);
  }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t hidden,
      const void* const (&states)[R], size_t begin, size_t end, int32x4_t (&out)[R][P][N]) {
    int32x4_t low[R][P][N], high[R][P][N];
    each<R, P, N>([&](auto r, auto p, auto n) __attribute__((always_inline)) {
      low[r][p][n] = high[r][p][n] = vdupq_n_s32(0);
    });
    // The group g, whose codes lie in a lane of l and h.
    const auto step = [&](size_t g, const int8x16_t(&l)[R], const int8x16_t(&h)[R], auto lane)
        __attribute__((always_inline)) {
      int8x16_t w[P][N];
      simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
        simd::unroll<N>([&](auto n) __attribute__((always_inline)) {
          w[p][n] = vld1q_s8(reinterpret_cast<const int8_t*>(weights) + p * vector_step +
                             g * group_step + n * 16);
        });
      });
      each<R, P, N>([&](auto r, auto p, auto n) __attribute__((always_inline)) {
        constexpr int kLane = decltype(lane)::value;
        low[r][p][n] = vdotq_laneq_s32(low[r][p][n], w[p][n], l[r], kLane);
        high[r][p][n] = vdotq_laneq_s32(high[r][p][n], w[p][n], h[r], kLane);
      });
    };
    int8x16_t l[R], h[R];
    // States are whole vectors.
    const auto load = [&](size_t g) __attribute__((always_inline)) {
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        const auto* codes = static_cast<const int8_t*>(states[r]) + g * 4;
        l[r] = vld1q_s8(codes);
        h[r] = vld1q_s8(codes + high_offset(hidden));
      });
    };
    size_t g = begin;
    for (; g + 4 <= end; g += 4) {
      load(g);
      simd::unroll<4>([&](auto i) __attribute__((always_inline)) { step(g + i, l, h, i); });
    }
    if (g < end) {
      load(g);
      step(g, l, h, simd::Index<0>{});
      if (g + 1 < end) step(g + 1, l, h, simd::Index<1>{});
      if (g + 2 < end) step(g + 2, l, h, simd::Index<2>{});
    }
    each<R, P, N>([&](auto r, auto p, auto n) __attribute__((always_inline)) {
      out[r][p][n] = vaddq_s32(vshlq_n_s32(high[r][p][n], 8), low[r][p][n]);
    });
  }
};

using Cell = CellS8<VecNeon, 4, Dots>;

}  // namespace

extern const RnnCell rnn_s8_neondot;
const RnnCell rnn_s8_neondot = {Cell::packed_bytes, Cell::pack,      Cell::state_bytes,
                                Cell::encode,       lstm_step<Cell>, gru_step<Cell>};

}  // namespace octet::kernels
