// The tiles of panel.inl by vpmaddwd: codes less their zero point as s16 with two depths a lane.

inline constexpr size_t kCodeBytes = 2, kGroup = 2;
inline size_t padded_depth(size_t depth) { return round_up(depth, kGroup); }
inline constexpr size_t kMaxBlocks = 1;
inline constexpr bool kTakesSegments = true;

inline int32_t panel_zero(const ConvIo& /*io*/) { return 0; }

inline size_t blocks_at_once(size_t /*left*/) { return kMaxBlocks; }

template <typename F>
void with_blocks(size_t /*count*/, F f) {
  f(simd::Index<1>{});
}

/// How many of the `left` rows the next tile takes.
inline size_t tile_rows(size_t /*blocks*/, size_t left, size_t /*groups*/) {
  return left >= 6 ? 6 : (left >= 4 ? 4 : (left >= 2 ? 2 : 1));
}

// Inlined, it would share registers with its callers, and g++ would spill accumulators.
template <int kRows, typename End>
__attribute__((noinline)) void multiply_tile(const Product& p, const End& end) {
  const Depths& depths = p.depths;
  const RowsAt& at = p.at;
  const uint8_t* a = p.a;
  const int8_t* weights = p.weights;
  const size_t a_stride = p.a_stride;
  __m256i acc[kRows][2];
  simd::unroll<kRows>([&](auto r) {
    acc[r][0] = end.offset(0).lo;
    acc[r][1] = end.offset(0).hi;
  });
  const size_t groups = depths.groups;
  for (size_t left = depths.segments;;) {
    for (size_t g = 0; g < groups; ++g) {
      const auto* group = reinterpret_cast<const __m128i*>(weights + g * 32);
      const __m256i w0 = _mm256_cvtepi8_epi16(_mm_load_si128(group));
      const __m256i w1 = _mm256_cvtepi8_epi16(_mm_load_si128(group + 1));
      simd::unroll<kRows>([&](auto r) {
        int32_t codes;
        __builtin_memcpy(&codes, a + r * a_stride + g * 4, 4);
        const __m256i x = _mm256_set1_epi32(codes);
        acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(x, w0));
        acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(x, w1));
      });
    }
    if (--left == 0) break;
    a += depths.pitch;
    weights += groups * 32;
  }
  typename End::Row rows[kRows];
  simd::unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    const Ints sums[1] = {{apart(acc[r][0]), apart(acc[r][1])}};
    rows[r] = end.row(at[r], sums);
  });
  simd::unroll<kRows>([&](auto r) __attribute__((always_inline)) { end.store(at[r], rows[r]); });
}

/// Whole tiles end in registers.
struct Multiplier {
  template <typename End>
  void operator()(simd::Index<1> /*blocks*/, const Product& p, const End& end) const {
    if constexpr (End::kInRegisters)
      if (p.rows == 6) return multiply_tile<6>(p, end);
    // For fewer rows that would be much code for little.
    alignas(64) int32_t tile[6 * 16];
    const TileEnd<1> sums{tile, p.at.row};
    switch (p.rows) {
      case 6: multiply_tile<6>(p, sums); break;
      case 4: multiply_tile<4>(p, sums); break;
      case 2: multiply_tile<2>(p, sums); break;
      default: multiply_tile<1>(p, sums);
    }
    end_tile<1>(tile, p.rows, p.at, end);
  }
};

inline __m256i widen(__m128i codes, bool is_signed) {
  return is_signed ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes);
}

/// Copies `count` codes into a row; up to 31 bytes past them may be overwritten, and what lies
/// before `end` may be read.
inline void copy_codes(uint8_t* to, const uint8_t* from, size_t count, const ConvIo& io,
                       const uint8_t* end) {
  const __m256i zero = _mm256_set1_epi16(static_cast<int16_t>(io.in_zero_point));
  size_t i = 0;
  for (; i < count && static_cast<size_t>(end - from) >= i + 16; i += 16) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i * 2),
                        _mm256_sub_epi16(widen(codes, io.in_signed), zero));
  }
  if (i < count)
    _mm256_storeu_si256(
        reinterpret_cast<__m256i*>(to + i * 2),
        _mm256_sub_epi16(widen(load_bytes(from + i, count - i), io.in_signed), zero));
}

/// Writes `count` codes of zero; up to 31 bytes past them may be overwritten.
inline void fill_codes(uint8_t* to, size_t count, const ConvIo& /*io*/) {
  for (size_t i = 0; i < count; i += 16)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i * 2), _mm256_setzero_si256());
}

/// Σ (code - zero) of a row.
inline int32_t sum_codes(const uint8_t* row, size_t depth, int32_t /*zero*/) {
  int32_t sum = 0;
  for (size_t i = 0; i < depth; ++i) {
    int16_t code;
    __builtin_memcpy(&code, row + i * 2, 2);
    sum += code;
  }
  return sum;
}
