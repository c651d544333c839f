#include "kernels/rnn_s8/rnn_s8.h"
#include "kernels/simd/neon.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/bytes_neon.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/rnn_s8/each.inl"
#include "kernels/simd/vec_neon.inl"

// s8 products by smmla, whose two rows are the high and the low bytes of a state. State: by 8 units
// int8_t high[8], int8_t low[8].
struct Dots {
  static constexpr size_t kRows = 2, kVectors = 2;

  static void store(void* state, size_t /*hidden*/, size_t begin, int32x4_t codes) {
    const StateBytes bytes = state_bytes(codes);
    auto* high = static_cast<uint8_t*>(state) + begin / 8 * 16 + begin % 8;
    __builtin_memcpy(high, &bytes.high, sizeof(bytes.high));
    __builtin_memcpy(high + 8, &bytes.low, sizeof(bytes.low));
  }

  static int32x4_t corrected(int32x4_t acc, const int32_t* weight_sums) {
    return corrected_sums(acc, weight_sums);
  }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t /*hidden*/,
      const void* const (&states)[R], size_t begin, size_t end, int32x4_t (&out)[R][P][N]) {
    // Squares of high and low by two units: the first and the last two of a panel's.
    int32x4_t first[R][P][N], last[R][P][N];
    each<R, P, N>([&](auto r, auto p, auto n) __attribute__((always_inline)) {
      first[r][p][n] = last[r][p][n] = vdupq_n_s32(0);
    });
    for (size_t g = begin; g < end; ++g) {
      int8x16_t h[R], w[P][N][2];
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        h[r] = vld1q_s8(static_cast<const int8_t*>(states[r]) + g * 16);
      });
      simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
        simd::unroll<N>([&](auto n) __attribute__((always_inline)) {
          const auto* from =
              reinterpret_cast<const int8_t*>(weights) + p * vector_step + g * group_step + n * 32;
          w[p][n][0] = vld1q_s8(from);
          w[p][n][1] = vld1q_s8(from + 16);
        });
      });
      each<R, P, N>([&](auto r, auto p, auto n) __attribute__((always_inline)) {
        first[r][p][n] = vmmlaq_s32(first[r][p][n], h[r], w[p][n][0]);
        last[r][p][n] = vmmlaq_s32(last[r][p][n], h[r], w[p][n][1]);
      });
    }
    each<R, P, N>([&](auto r, auto p, auto n) __attribute__((always_inline)) {
      const int32x4_t high =
          vcombine_s32(vget_low_s32(first[r][p][n]), vget_low_s32(last[r][p][n]));
      const int32x4_t low =
          vcombine_s32(vget_high_s32(first[r][p][n]), vget_high_s32(last[r][p][n]));
      out[r][p][n] = vaddq_s32(vshlq_n_s32(high, 8), low);
    });
  }
};

using Cell = CellS8<VecNeon, 8, Dots>;

}  // namespace

extern const RnnCell rnn_s8_i8mm;
const RnnCell rnn_s8_i8mm = {Cell::packed_bytes, Cell::pack,      Cell::state_bytes,
                             Cell::encode,       lstm_step<Cell>, gru_step<Cell>};

}  // namespace octet::kernels
