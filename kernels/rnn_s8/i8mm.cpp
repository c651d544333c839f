#include "kernels/rnn_s8/rnn_s8.h"
#include "kernels/simd/neon.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/bytes_neon.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/rnn_s8/each.inl"
#include "kernels/simd/vec_neon.inl"

// s8 products by smmla, whose two rows are the low and the high bytes of a state, or the bytes of
// two states (of a single one twice). State: by 8 units int8_t[8] for each byte of a code, the
// lowest first.
template <typename CodesType>
struct Dots {
  using Codes = CodesType;
  static constexpr size_t kBytes = Codes::kBytes;
  static constexpr size_t kRows = 2, kVectors = 2;

  static size_t state_bytes(size_t hidden) { return kBytes * ceil_div(hidden, 64) * 64; }

  static void store(void* state, size_t /*hidden*/, size_t begin, int32x4_t codes) {
    const auto bytes = bytes_of<kBytes>(codes);
    auto* plane = static_cast<uint8_t*>(state) + begin / 8 * 8 * kBytes + begin % 8;
    for (size_t i = 0; i < kBytes; ++i)
      __builtin_memcpy(plane + i * 8, &bytes.plane[i], sizeof(bytes.plane[i]));
  }

  static int32x4_t corrected(int32x4_t acc, const int32_t* weight_sums) {
    return corrected_sums<kBytes>(acc, weight_sums);
  }

  // The two rows of square s over group g.
  template <size_t R>
  static inline __attribute__((always_inline)) int8x16_t rows_of(const void* const (&states)[R],
                                                                 size_t s, size_t g) {
    const auto codes = [&](size_t r) __attribute__((always_inline)) {
      return static_cast<const int8_t*>(states[r]) + g * 8 * kBytes;
    };
    if constexpr (kBytes == 2)
      return vld1q_s8(codes(s));
    else
      return vcombine_s8(vld1_s8(codes(0)), vld1_s8(codes(R - 1)));
  }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t /*hidden*/,
      const void* const (&states)[R], size_t begin, size_t end, int32x4_t (&out)[R][P][N]) {
    // Squares of two rows by two units: the first and the last two of a panel's.
    constexpr size_t kSquares = kBytes == 2 ? R : 1;
    int32x4_t first[kSquares][P][N], last[kSquares][P][N];
    each<kSquares, P, N>([&](auto s, auto p, auto n) __attribute__((always_inline)) {
      first[s][p][n] = last[s][p][n] = vdupq_n_s32(0);
    });
    for (size_t g = begin; g < end; ++g) {
      int8x16_t h[kSquares], w[P][N][2];
      simd::unroll<kSquares>([&](auto s)
                                 __attribute__((always_inline)) { h[s] = rows_of(states, s, g); });
      simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
        simd::unroll<N>([&](auto n) __attribute__((always_inline)) {
          const auto* from =
              reinterpret_cast<const int8_t*>(weights) + p * vector_step + g * group_step + n * 32;
          w[p][n][0] = vld1q_s8(from);
          w[p][n][1] = vld1q_s8(from + 16);
        });
      });
      each<kSquares, P, N>([&](auto s, auto p, auto n) __attribute__((always_inline)) {
        first[s][p][n] = vmmlaq_s32(first[s][p][n], h[s], w[p][n][0]);
        last[s][p][n] = vmmlaq_s32(last[s][p][n], h[s], w[p][n][1]);
      });
    }
    each<kSquares, P, N>([&](auto s, auto p, auto n) __attribute__((always_inline)) {
      const int32x4_t top = vcombine_s32(vget_low_s32(first[s][p][n]), vget_low_s32(last[s][p][n]));
      const int32x4_t bottom =
          vcombine_s32(vget_high_s32(first[s][p][n]), vget_high_s32(last[s][p][n]));
      if constexpr (kBytes == 2) {
        out[s][p][n] = vaddq_s32(top, vshlq_n_s32(bottom, 8));
      } else {
        out[R - 1][p][n] = bottom;
        out[0][p][n] = top;
      }
    });
  }
};

template <typename Codes>
using Cell = CellS8<VecNeon, 8, Dots<Codes>>;

}  // namespace

extern const RnnS8 rnn_s8_i8mm;
const RnnS8 rnn_s8_i8mm = {table_of<Cell<RnnWords>>(), table_of<Cell<RnnBytes>>()};

}  // namespace octet::kernels
