#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

#include "kernels/gemm_s8/pack.inl"
#include "kernels/simd/lookup256.inl"
#include "kernels/simd/vec256.inl"
// After the vectors.
#include "kernels/simd/curve256.inl"
// After lookup_bytes.
#include "kernels/gemm_s8/epilogue.inl"

using Vec = Vec256;
#include "kernels/gemm_s8/direct.inl"

// Exact s16 products by vpmaddwd: A widens to s16 with its zero point taken off (once, into the
// scratch), B widens as it is read.
//
// Packed B: PackedHeader, int32_t zeros[N], panels of 16 columns in groups of two k (the last panel
// 8 columns where that is enough). Scratch: int32_t row_sums[M], int16_t A[M] with zeros past K.

constexpr size_t kRows = 6;
constexpr size_t kPanel = 16;

size_t padded_columns(size_t n) { return round_up(n, 8); }
size_t panel_offset(size_t n) {
  return sizeof(PackedHeader) + round_up(padded_columns(n) * sizeof(int32_t), 64);
}

size_t packed_bytes(size_t k, size_t n) {
  return panel_offset(n) + round_up(k, 2) * padded_columns(n);
}

void pack(const GemmS8Weights& w, void* packed) {
  auto* bytes = static_cast<uint8_t*>(packed);
  auto* zeros = reinterpret_cast<int32_t*>(bytes + sizeof(PackedHeader));
  *static_cast<PackedHeader*>(packed) = pack_zeros(w, padded_columns(w.n), zeros);
  for (size_t n = 0; n < w.n; n += kPanel) {
    const size_t count = w.n - n < kPanel ? w.n - n : kPanel;
    pack_panel<2>(w, n, count, padded_columns(count),
                  bytes + panel_offset(w.n) + n * round_up(w.k, 2));
  }
}

// In elements; the odd multiple of 32 keeps rows off the same cache sets.
size_t scratch_stride(size_t k) { return round_up(k, 64) + 32; }
size_t scratch_offset(size_t m) { return round_up(m * sizeof(int32_t), 64); }
size_t scratch_bytes(size_t m, size_t k) {
  return scratch_offset(m) + m * scratch_stride(k) * sizeof(int16_t);
}

void widen_row(const GemmS8Args& args, size_t m, int16_t* to) {
  const uint8_t* from = static_cast<const uint8_t*>(args.a) + m * args.a_stride;
  const auto zero = static_cast<int16_t>(a_zero(args, m));
  size_t k = 0;
  for (; k + 16 <= args.k; k += 16) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k));
    const __m256i wide = args.a_signed ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + k),
                        _mm256_sub_epi16(wide, _mm256_set1_epi16(zero)));
  }
  for (; k < args.k; ++k) {
    const int32_t code = args.a_signed ? static_cast<int8_t>(from[k]) : from[k];
    to[k] = static_cast<int16_t>(code - zero);
  }
  if (k % 2 != 0) to[k] = 0;
}

int32_t row_sum(const int16_t* from, size_t k) {
  __m256i sums = _mm256_setzero_si256();
  size_t i = 0;
  for (; i + 16 <= k; i += 16) {
    const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(codes, _mm256_set1_epi16(1)));
  }
  alignas(32) int32_t parts[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(parts), sums);
  int32_t sum = 0;
  for (const int32_t part : parts) sum += part;
  for (; i < k; ++i) sum += from[i];
  return sum;
}

void prepare(const GemmS8Args& args, size_t row_begin, size_t row_end) {
  auto* scratch = static_cast<uint8_t*>(args.scratch);
  auto* rows = reinterpret_cast<int16_t*>(scratch + scratch_offset(args.m));
  const bool sums = static_cast<const PackedHeader*>(args.packed)->has_zero != 0;
  for (size_t m = row_begin; m < row_end; ++m) {
    int16_t* to = rows + m * scratch_stride(args.k);
    widen_row(args, m, to);
    if (sums) reinterpret_cast<int32_t*>(scratch)[m] = row_sum(to, args.k);
  }
}

// Sums of R rows and V vectors of columns into acc[R][kPanel]; few rows run over U chains.
template <size_t R, size_t V, size_t U>
void multiply(const int16_t* a, size_t a_stride, const uint8_t* b, size_t groups, int32_t* acc) {
  __m256i sum[U][R][V];
#pragma GCC unroll 4
  for (size_t u = 0; u < U; ++u)
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 2
      for (size_t v = 0; v < V; ++v) sum[u][r][v] = _mm256_setzero_si256();
  const auto step = [&](size_t u, size_t g) __attribute__((always_inline)) {
    __m256i weights[V];
#pragma GCC unroll 2
    for (size_t v = 0; v < V; ++v)
      weights[v] = _mm256_cvtepi8_epi16(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + (g * V + v) * 16)));
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r) {
      int32_t pair;
      __builtin_memcpy(&pair, a + r * a_stride + g * 2, sizeof(pair));
      const __m256i codes = _mm256_set1_epi32(pair);
#pragma GCC unroll 2
      for (size_t v = 0; v < V; ++v)
        sum[u][r][v] = _mm256_add_epi32(sum[u][r][v], _mm256_madd_epi16(codes, weights[v]));
    }
  };
  size_t g = 0;
  for (; g + U <= groups; g += U)
#pragma GCC unroll 4
    for (size_t u = 0; u < U; ++u) step(u, g + u);
  if constexpr (U > 1)
    for (; g < groups; ++g) step(0, g);
#pragma GCC unroll 8
  for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (size_t v = 0; v < V; ++v) {
#pragma GCC unroll 4
      for (size_t u = 1; u < U; ++u) sum[0][r][v] = _mm256_add_epi32(sum[0][r][v], sum[u][r][v]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(acc + r * kPanel + v * 8), sum[0][r][v]);
    }
}

using Multiply = void (*)(const int16_t*, size_t, const uint8_t*, size_t, int32_t*);

template <size_t V>
constexpr Multiply kMultiply[kRows] = {multiply<1, V, 4>, multiply<2, V, 2>, multiply<3, V, 1>,
                                       multiply<4, V, 1>, multiply<5, V, 1>, multiply<6, V, 1>};

void tile(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
          size_t column_end) {
  const auto* packed = static_cast<const uint8_t*>(args.packed);
  const auto* scratch = static_cast<const uint8_t*>(args.scratch);
  Correction correction;
  if (static_cast<const PackedHeader*>(args.packed)->has_zero != 0) {
    correction.zeros = reinterpret_cast<const int32_t*>(packed + sizeof(PackedHeader));
    correction.row_sums = reinterpret_cast<const int32_t*>(scratch);
  }
  const auto* a = reinterpret_cast<const int16_t*>(scratch + scratch_offset(args.m));
  const size_t a_stride = scratch_stride(args.k), groups = round_up(args.k, 2) / 2;
  const auto run = [&](const AnyEnd& end) __attribute__((noinline)) {
    alignas(64) int32_t acc[kRows * kPanel];
    for (size_t n = column_begin; n < column_end; n += kPanel) {
      const size_t columns = column_end - n < kPanel ? column_end - n : kPanel;
      const uint8_t* panel = packed + panel_offset(args.n) + n * groups * 2;
      for (size_t m = row_begin, rows; m < row_end; m += rows) {
        rows = next_rows(row_end - m, kRows);
        const Multiply multiply_rows = (columns <= 8 ? kMultiply<1> : kMultiply<2>)[rows - 1];
        multiply_rows(a + m * a_stride, a_stride, panel, groups, acc);
        end({m, rows, n, columns, acc, kPanel});
      }
    }
  };
  with_end<Vec>(args, correction, [&](const auto& end) { run(AnyEnd(end)); });
  finish_lookup(args, row_begin, row_end, column_begin, column_end);
}

namespace four_bits {
#include "kernels/gemm_s8/avx2_s4.inl"
// After the products.
#include "kernels/gemm_s8/nibbles.inl"
}  // namespace four_bits

}  // namespace

extern const GemmS8Table gemm_s8_avx2;
const GemmS8Table gemm_s8_avx2 = {kRows, kPanel, packed_bytes,       pack, scratch_bytes, prepare,
                                  tile,  direct, &four_bits::kTable, 0};

}  // namespace octet::kernels
