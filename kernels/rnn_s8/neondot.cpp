#include "kernels/rnn_s8/rnn_s8.h"
#include "kernels/simd/neon.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/bytes_neon.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/rnn_s8/each.inl"
#include "kernels/simd/vec_neon.inl"

// s8 products by sdot. State: a plane int8_t[hidden rounded up to 64] for each byte of a code, the
// lowest first.
template <typename CodesType>
struct Dots {
  using Codes = CodesType;
  static constexpr size_t kBytes = Codes::kBytes;
  static constexpr size_t kRows = 2, kVectors = 2;

  static size_t plane_bytes(size_t hidden) { return ceil_div(hidden, 64) * 64; }
  static size_t state_bytes(size_t hidden) { return kBytes * plane_bytes(hidden); }

  static void store(void* state, size_t hidden, size_t begin, int32x4_t codes) {
    const auto bytes = bytes_of<kBytes>(codes);
    auto* plane = static_cast<uint8_t*>(state) + begin;
    for (size_t i = 0; i < kBytes; ++i)
      __builtin_memcpy(plane + i * plane_bytes(hidden), &bytes.plane[i], sizeof(bytes.plane[i]));
  }

  static int32x4_t corrected(int32x4_t acc, const int32_t* weight_sums) {
    return corrected_sums<kBytes>(acc, weight_sums);
  }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t hidden,
      const void* const (&states)[R], size_t begin, size_t end, int32x4_t (&out)[R][P][N]) {
    int32x4_t acc[kBytes][R][P][N];
    simd::unroll<kBytes>([&](auto i) __attribute__((always_inline)) {
      each<R, P, N>([&](auto r, auto p, auto n)
                        __attribute__((always_inline)) { acc[i][r][p][n] = vdupq_n_s32(0); });
    });
    // The group g, whose codes lie in a lane of x.
    const auto step = [&](size_t g, const int8x16_t(&x)[kBytes][R], auto lane)
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
        simd::unroll<kBytes>([&](auto i) __attribute__((always_inline)) {
          acc[i][r][p][n] = vdotq_laneq_s32(acc[i][r][p][n], w[p][n], x[i][r], kLane);
        });
      });
    };
    int8x16_t x[kBytes][R];
    // States are whole vectors.
    const auto load = [&](size_t g) __attribute__((always_inline)) {
      simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
        simd::unroll<kBytes>([&](auto i) __attribute__((always_inline)) {
          x[i][r] =
              vld1q_s8(static_cast<const int8_t*>(states[r]) + g * 4 + i * plane_bytes(hidden));
        });
      });
    };
    size_t g = begin;
    for (; g + 4 <= end; g += 4) {
      load(g);
      simd::unroll<4>([&](auto i) __attribute__((always_inline)) { step(g + i, x, i); });
    }
    if (g < end) {
      load(g);
      step(g, x, simd::Index<0>{});
      if (g + 1 < end) step(g + 1, x, simd::Index<1>{});
      if (g + 2 < end) step(g + 2, x, simd::Index<2>{});
    }
    each<R, P, N>([&](auto r, auto p, auto n) __attribute__((always_inline)) {
      out[r][p][n] = acc[0][r][p][n];
      if constexpr (kBytes == 2)
        out[r][p][n] = vaddq_s32(out[r][p][n], vshlq_n_s32(acc[1][r][p][n], 8));
    });
  }
};

template <typename Codes>
using Cell = CellS8<VecNeon, 4, Dots<Codes>>;

}  // namespace

extern const RnnS8 rnn_s8_neondot;
const RnnS8 rnn_s8_neondot = {table_of<Cell<RnnWords>>(), table_of<Cell<RnnBytes>>()};

}  // namespace octet::kernels
