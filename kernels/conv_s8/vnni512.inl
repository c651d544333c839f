// Tiles by vpdpbusd: u8 codes (s8 ones plus 128) with four depths a lane. What the tiles of several
// instruction sets have in common.

inline constexpr size_t kCodeBytes = 1, kGroup = 4;
inline constexpr size_t kMaxBlocks = 4;

inline int32_t panel_zero(const ConvIo& io) { return io.in_zero_point + (io.in_signed ? 128 : 0); }

template <typename F>
void with_blocks(size_t count, F f) {
  switch (count) {
    case 1: return f(simd::Index<1>{});
    case 2: return f(simd::Index<2>{});
    case 3: return f(simd::Index<3>{});
    default: return f(simd::Index<4>{});
  }
}

constexpr size_t most_rows(size_t blocks) { return blocks == 4 ? 6 : (blocks == 3 ? 8 : 12); }

/// How many of the `left` rows the next tile takes.
inline size_t vnni_rows(size_t blocks, size_t left) {
  const size_t most = most_rows(blocks);
  if (left >= most) return most;
  if (left >= 6) return 6;
  return left >= 4 ? 4 : (left >= 2 ? 2 : 1);
}

/// Ends the rows of a tile, several at once where their codes fill one register together.
template <int kRows, int kBlocks, typename End>
inline __attribute__((always_inline)) void end_rows(const __m512i (&acc)[kRows][kBlocks],
                                                    const RowAt* at, const End& end) {
  constexpr int kTogether =
      End::kPacksRows && kRows == most_rows(kBlocks) ? CodePacker::kTogether<kBlocks> : 1;
  typename End::Row ends[kRows / kTogether];
  simd::unroll<kRows / kTogether>([&](auto i) __attribute__((always_inline)) {
    Ints sums[kTogether * kBlocks];
    simd::unroll<kTogether * kBlocks>([&](auto s) __attribute__((always_inline)) {
      sums[s].v = apart(acc[i * kTogether + s / kBlocks][s % kBlocks]);
    });
    if constexpr (kTogether == 1)
      ends[i] = end.row(at[i], sums);
    else
      ends[i] = end.rows(at + i * kTogether, sums);
  });
  simd::unroll<kRows / kTogether>([&](auto i) __attribute__((always_inline)) {
    if constexpr (kTogether == 1)
      end.store(at[i], ends[i]);
    else
      end.store_rows(at + i * kTogether, ends[i]);
  });
}

// Inlined, it would share registers with its callers, and g++ would spill accumulators.
template <int kRows, int kBlocks, typename End>
__attribute__((noinline)) void multiply_tile(const uint8_t* a, size_t a_stride,
                                             const Depths& depths, const int8_t* weights,
                                             size_t block_bytes, const RowAt* at, const End& end) {
  __m512i acc[kRows][kBlocks];
  simd::unroll<kRows>(
      [&](auto r) { simd::unroll<kBlocks>([&](auto b) { acc[r][b] = end.offset(b).v; }); });
  const size_t groups = depths.groups, step = depths.ahead_step;
  const int8_t* ahead = depths.ahead;
  for (size_t left = depths.segments;;) {
    for (size_t g = 0; g < groups; ++g) {
      __m512i w[kBlocks];
      simd::unroll<kBlocks>(
          [&](auto b) { w[b] = _mm512_load_si512(weights + b * block_bytes + g * 64); });
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
      ahead += step;
      simd::unroll<kRows>([&](auto r) {
        int32_t codes;
        __builtin_memcpy(&codes, a + r * a_stride + g * 4, 4);
        const __m512i x = _mm512_set1_epi32(codes);
        simd::unroll<kBlocks>([&](auto b) { acc[r][b] = _mm512_dpbusd_epi32(acc[r][b], x, w[b]); });
      });
    }
    if (--left == 0) break;
    a += depths.pitch;
    weights += groups * 64;
  }
  end_rows<kRows, kBlocks>(acc, at, end);
}

/// Tiles by way of memory: those of fewer rows than they could have would be much code for little.
template <int kBlocks, typename End>
__attribute__((noinline)) void multiply_part(size_t rows, const uint8_t* a, size_t a_stride,
                                             const Depths& depths, const int8_t* weights,
                                             size_t block_bytes, const RowAt* at, const End& end) {
  constexpr int kMost = most_rows(kBlocks);
  alignas(64) int32_t tile[kMost * kBlocks * 16];
  const TileEnd<kBlocks> sums{tile, at};
  const auto part = [&](auto count) {
    multiply_tile<count, kBlocks>(a, a_stride, depths, weights, block_bytes, at, sums);
  };
  if (rows == kMost) part(simd::Index<kMost>{});
  if constexpr (kMost > 6)
    if (rows == 6) part(simd::Index<6>{});
  if (rows == 4) part(simd::Index<4>{});
  if (rows == 2) part(simd::Index<2>{});
  if (rows == 1) part(simd::Index<1>{});
  end_tile<kBlocks>(tile, rows, at, end);
}

template <int kBlocks, typename End>
inline __attribute__((always_inline)) void multiply_vnni(size_t rows, const uint8_t* a,
                                                         size_t a_stride, const Depths& depths,
                                                         const int8_t* weights, size_t block_bytes,
                                                         const RowAt* at, const End& end) {
  constexpr int kMost = most_rows(kBlocks);
  if constexpr (End::kInRegisters)
    if (rows == kMost)
      return multiply_tile<kMost, kBlocks>(a, a_stride, depths, weights, block_bytes, at, end);
  multiply_part<kBlocks>(rows, a, a_stride, depths, weights, block_bytes, at, end);
}

/// Copies `count` codes into a row; up to 63 bytes past them may be overwritten.
inline void copy_codes(uint8_t* to, const uint8_t* from, size_t count, const ConvIo& io,
                       const uint8_t* /*end*/) {
  const __m512i flip = _mm512_set1_epi8(io.in_signed ? static_cast<char>(0x80) : 0);
  size_t i = 0;
  for (; i + 64 <= count; i += 64)
    _mm512_storeu_si512(to + i, _mm512_xor_si512(_mm512_loadu_si512(from + i), flip));
  if (i < count) {
    const __mmask64 mask = (__mmask64{1} << (count - i)) - 1;
    _mm512_storeu_si512(to + i, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, from + i), flip));
  }
}

/// Writes `count` codes of zero; up to 63 bytes past them may be overwritten.
inline void fill_codes(uint8_t* to, size_t count, const ConvIo& io) {
  const __m512i zero = _mm512_set1_epi8(static_cast<char>(panel_zero(io)));
  for (size_t i = 0; i < count; i += 64) _mm512_storeu_si512(to + i, zero);
}

/// Σ (code - zero) of a row.
inline int32_t sum_codes(const uint8_t* row, size_t depth, int32_t zero) {
  __m512i sum = _mm512_setzero_si512();
  for (size_t i = 0; i < depth; i += 64) {
    const size_t left = depth - i;
    const __mmask64 mask = left >= 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
    sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(mask, row + i), _mm512_set1_epi8(1));
  }
  return _mm512_reduce_add_epi32(sum) - static_cast<int32_t>(depth) * zero;
}
