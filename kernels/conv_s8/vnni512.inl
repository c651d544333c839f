// Tiles by vpdpbusd: u8 codes (s8 ones plus 128) with four depths a lane. What the tiles of several
// instruction sets have in common.

inline constexpr size_t kCodeBytes = 1, kGroup = 4;
inline constexpr size_t kMaxBlocks = 4;

inline int32_t panel_zero(const ConvIo& io) { return io.in_zero_point + (io.in_signed ? 128 : 0); }

inline size_t blocks_at_once(size_t left) {
  return left == kMaxBlocks + 1 ? 3 : smaller(left, kMaxBlocks);
}

template <typename F>
void with_blocks(size_t count, F f) {
  switch (count) {
    case 1: return f(simd::Index<1>{});
    case 2: return f(simd::Index<2>{});
    case 3: return f(simd::Index<3>{});
    default: return f(simd::Index<kMaxBlocks>{});
  }
}

/// Rows of a tile: where columns are few, sums of more rows are in flight together.
constexpr int tile_rows_of(int blocks) { return blocks > 2 ? 4 : (blocks == 2 ? 8 : 12); }

/// Ends the rows of a tile, several at once where their codes fill one register together.
template <int kRows, int kBlocks, typename End>
inline __attribute__((always_inline)) void end_rows(const __m512i (&acc)[kRows][kBlocks],
                                                    const RowsAt& at, const End& end) {
  constexpr int kTogether = End::kPacksRows && kRows % 4 == 0 ? CodePacker::kTogether<kBlocks> : 1;
  typename End::Row ends[kRows / kTogether];
  simd::unroll<kRows / kTogether>([&](auto i) __attribute__((always_inline)) {
    Ints sums[kTogether * kBlocks];
    simd::unroll<kTogether * kBlocks>([&](auto s) __attribute__((always_inline)) {
      sums[s].v = apart(acc[i * kTogether + s / kBlocks][s % kBlocks]);
    });
    if constexpr (kTogether == 1)
      ends[i] = end.row(at[i], sums);
    else
      ends[i] = end.rows(at.from(i * kTogether), sums);
  });
  simd::unroll<kRows / kTogether>([&](auto i) __attribute__((always_inline)) {
    if constexpr (kTogether == 1)
      end.store(at[i], ends[i]);
    else
      end.store_rows(at.from(i * kTogether), ends[i]);
  });
}

/// At least kRows rows by tiles of kRows: the last one reaches back over rows that are
/// computed twice. Inlined, it would share registers with its callers, and g++ would spill
/// accumulators.
template <int kRows, int kBlocks, typename End>
__attribute__((noinline)) void multiply_tiles(const Product& p, const End& given) {
  const Depths& depths = p.depths;
  const size_t rows = p.rows, a_stride = p.a_stride, block_bytes = p.block_bytes;
  constexpr int kFours = (kRows + 3) / 4;
  const size_t step = depths.ahead_step * kRows;
  const size_t a_three = apart(3 * a_stride), three_blocks = apart(3 * block_bytes);
  const auto times = [](int i, size_t one, size_t three) __attribute__((always_inline)) {
    return i == 3 ? three : static_cast<size_t>(i) * one;
  };
  const int8_t* ahead = depths.ahead;
  for (size_t row = 0; row < rows; row += kRows) {
    if (row + kRows > rows) row = rows - kRows;
    // What the end needs is loaded anew: no register is left for it while sums are made.
    const End* end = apart(&given);
    __m512i acc[kRows][kBlocks];
    simd::unroll<kRows>(
        [&](auto r) { simd::unroll<kBlocks>([&](auto b) { acc[r][b] = end->offset(b).v; }); });
    const uint8_t* from[kFours];
    simd::unroll<kFours>([&](auto i) { from[i] = p.a + (row + 4 * i) * a_stride; });
    const int8_t* by = p.weights;
    for (size_t left = depths.segments;;) {
      for (size_t g = depths.groups; g != 0; --g) {
        __m512i w[kBlocks];
        simd::unroll<kBlocks>(
            [&](auto b) { w[b] = _mm512_load_si512(by + times(b, block_bytes, three_blocks)); });
        by += 64;
        _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
        ahead += step;
        simd::unroll<kRows>([&](auto r) {
          int32_t codes;
          __builtin_memcpy(&codes, from[r / 4] + times(r % 4, a_stride, a_three), 4);
          const __m512i x = _mm512_set1_epi32(codes);
          simd::unroll<kBlocks>(
              [&](auto b) { acc[r][b] = _mm512_dpbusd_epi32(acc[r][b], x, w[b]); });
        });
        simd::unroll<kFours>([&](auto i) { from[i] += 4; });
      }
      if (--left == 0) break;
      simd::unroll<kFours>([&](auto i) { from[i] += depths.pitch - depths.groups * 4; });
    }
    end_rows<kRows, kBlocks>(acc, p.at.from(row), *end);
  }
}

/// Rows one by one, by way of memory for at most kMost of them: fewer than a tile would be much
/// code for little.
template <int kMost, int kBlocks, typename End>
__attribute__((noinline)) void multiply_few(const Product& p, const End& end) {
  alignas(64) int32_t tile[kMost * kBlocks * 16];
  multiply_tiles<1, kBlocks>(p, TileEnd<kBlocks>{tile, p.at.row});
  end_tile<kBlocks>(tile, p.rows, p.at, end);
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
