#include "kernels/simd/neon.h"

#include "kernels/rnn_s8/rnn_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/rnn_s8/each.inl"
#include "kernels/simd/vec_neon.inl"

// Codes of four units for each of N gates, widened to s16: a vector has two gates.
template <size_t N>
inline __attribute__((always_inline)) void widen_gates(const uint8_t* from,
                                                       int16x8_t (&to)[(N + 1) / 2]) {
  const auto* codes = reinterpret_cast<const int8_t*>(from);
  if constexpr (N == 4) {
    const int8x16_t all = vld1q_s8(codes);
    to[0] = vmovl_s8(vget_low_s8(all));
    to[1] = vmovl_high_s8(all);
  } else {
    if constexpr (N >= 2) to[0] = vmovl_s8(vld1_s8(codes));
    if constexpr (N % 2 != 0) {
      uint32_t four;
      __builtin_memcpy(&four, codes + (N - 1) * 4, sizeof(four));
      to[N / 2] = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
    }
  }
}

// s16 products by smlal. State: int16_t codes.
struct Dots {
  static constexpr size_t kRows = 2, kVectors = 2;

  static void store(void* state, size_t /*hidden*/, size_t begin, int32x4_t codes) {
    vst1_s16(static_cast<int16_t*>(state) + begin, vmovn_s32(codes));
  }

  static int32x4_t corrected(int32x4_t acc, const int32_t* /*weight_sums*/) { return acc; }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t /*hidden*/,
      const void* const (&states)[R], size_t begin, size_t end, int32x4_t (&out)[R][P][N]) {
    int32x4_t acc[R][P][N];
    each<R, P, N>([&](auto r, auto p, auto n)
                      __attribute__((always_inline)) { acc[r][p][n] = vdupq_n_s32(0); });
    const auto step = [&](size_t k, const int16x8_t(&h)[R], auto lane)
        __attribute__((always_inline)) {
      int16x8_t w[P][(N + 1) / 2];
      simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
        widen_gates<N>(weights + p * vector_step + k * group_step, w[p]);
      });
      each<R, P, N>([&](auto r, auto p, auto n) __attribute__((always_inline)) {
        constexpr int kLane = decltype(lane)::value;
        int32x4_t& sum = acc[r][p][n];
        if constexpr (decltype(n)::value % 2 == 0)
          sum = vmlal_laneq_s16(sum, vget_low_s16(w[p][n / 2]), h[r], kLane);
        else
          sum = vmlal_high_laneq_s16(sum, w[p][n / 2], h[r], kLane);
      });
    };
    size_t k = begin;
    for (; k + 8 <= end; k += 8) {
      int16x8_t h[R];
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        h[r] = vld1q_s16(static_cast<const int16_t*>(states[r]) + k);
      });
      simd::unroll<8>([&](auto i) __attribute__((always_inline)) { step(k + i, h, i); });
    }
    for (; k < end; ++k) {
      int16x8_t h[R];
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        h[r] = vdupq_n_s16(static_cast<const int16_t*>(states[r])[k]);
      });
      step(k, h, simd::Index<0>{});
    }
    each<R, P, N>([&](auto r, auto p, auto n)
                      __attribute__((always_inline)) { out[r][p][n] = acc[r][p][n]; });
  }
};

using Cell = CellS8<VecNeon, 1, Dots>;

}  // namespace

extern const RnnCell rnn_s8_neon;
const RnnCell rnn_s8_neon = {Cell::packed_bytes, Cell::pack,      Cell::state_bytes,
                             Cell::encode,       lstm_step<Cell>, gru_step<Cell>};

}  // namespace octet::kernels
