#include "kernels/math/avx2.h"

#include "kernels/rnn_s8/rnn_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/simd/vec256.inl"

// s16 products by vpmaddwd. State: int16_t codes.
template <typename CodesType>
struct Dots {
  using Codes = CodesType;
  static constexpr size_t kRows = 2, kVectors = 2;

  static size_t state_bytes(size_t hidden) { return ceil_div(hidden, 64) * 64 * sizeof(int16_t); }

  static void store(void* state, size_t /*hidden*/, size_t begin, __m256i codes) {
    const __m128i packed =
        _mm_packs_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<int16_t*>(state) + begin), packed);
  }

  static __m256i corrected(__m256i acc, const int32_t* /*weight_sums*/) { return acc; }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t /*hidden*/,
      const void* const (&states)[R], size_t begin, size_t end, __m256i (&out)[R][P][N]) {
    __m256i acc[R][P][N];
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n) acc[r][p][n] = _mm256_setzero_si256();
    for (size_t g = begin; g < end; ++g) {
      __m256i w[P][N];
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n)
          w[p][n] = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(
              weights + p * vector_step + g * group_step + n * 16)));
#pragma GCC unroll 4
      for (size_t r = 0; r < R; ++r) {
        int32_t pair;
        __builtin_memcpy(&pair, static_cast<const int16_t*>(states[r]) + g * 2, sizeof(pair));
        const __m256i codes = _mm256_set1_epi32(pair);
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
          for (size_t n = 0; n < N; ++n)
            acc[r][p][n] = _mm256_add_epi32(acc[r][p][n], _mm256_madd_epi16(codes, w[p][n]));
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n) out[r][p][n] = acc[r][p][n];
  }
};

template <typename Codes>
using Cell = CellS8<Vec256, 2, Dots<Codes>>;

}  // namespace

extern const RnnS8 rnn_s8_avx2;
const RnnS8 rnn_s8_avx2 = {table_of<Cell<RnnWords>>(), table_of<Cell<RnnBytes>>()};

}  // namespace octet::kernels
