// The product of a few rows with a B that is not worth packing: s16 products by vpmaddwd straight
// from B's rows or columns. Included inside an anonymous namespace after epilogue.inl and Vec.

// Columns of sums that go to the epilogue together.
constexpr size_t kDirectColumns = 64;

// Signed codes, and unsigned ones less the 128 that `flip` takes off them.
inline __m256i widen(__m128i codes, __m128i flip) {
  return _mm256_cvtepi8_epi16(_mm_xor_si128(codes, flip));
}

inline __m128i load_codes(const uint8_t* p, size_t count) {
  if (count >= 16) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  alignas(16) uint8_t codes[16] = {};
  for (size_t i = 0; i < count; ++i) codes[i] = p[i];
  return _mm_load_si128(reinterpret_cast<const __m128i*>(codes));
}

// A's row less its zero point, with zeros up to a multiple of 16. Gives its sum.
inline int32_t direct_row(const GemmS8Args& args, size_t m, int16_t* to) {
  const uint8_t* from = static_cast<const uint8_t*>(args.a) + m * args.a_stride;
  const int32_t zero = a_zero(args, m);
  int32_t sum = 0;
  for (size_t k = 0; k < args.k; ++k) {
    const int32_t code = (args.a_signed ? static_cast<int8_t>(from[k]) : from[k]) - zero;
    to[k] = static_cast<int16_t>(code);
    sum += code;
  }
  for (size_t k = args.k; k < round_up(args.k, 16); ++k) to[k] = 0;
  return sum;
}

// The sums of each of eight vectors' lanes.
inline __m256i sum_each(const __m256i (&v)[8]) {
  const __m256i a = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
  const __m256i b = _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
  return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                          _mm256_permute2x128_si256(a, b, 0x31));
}

// Columns of contiguous k: eight dot products at a time.
inline void direct_columns(const GemmS8Weights& b, const int16_t* a, size_t column, size_t count,
                           int32_t initial, int32_t* acc) {
  const auto* from = static_cast<const uint8_t*>(b.data);
  const __m128i flip = _mm_set1_epi8(b.is_unsigned ? static_cast<char>(0x80) : 0);
  for (size_t n = 0; n < count; n += 8) {
    const uint8_t* columns[8];
    for (size_t j = 0; j < 8; ++j)
      columns[j] = from + (column + (n + j < count ? n + j : n)) * b.column_stride;
    __m256i sum[8];
#pragma GCC unroll 8
    for (size_t j = 0; j < 8; ++j) sum[j] = _mm256_setzero_si256();
    for (size_t k = 0; k < b.k; k += 16) {
      const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + k));
#pragma GCC unroll 8
      for (size_t j = 0; j < 8; ++j)
        sum[j] = _mm256_add_epi32(
            sum[j], _mm256_madd_epi16(codes, widen(load_codes(columns[j] + k, b.k - k), flip)));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(acc + n),
                        _mm256_add_epi32(sum_each(sum), _mm256_set1_epi32(initial)));
  }
}

// Rows of contiguous n: two k of 16 columns at a time.
inline void direct_rows(const GemmS8Weights& b, const int16_t* a, size_t column, size_t count,
                        int32_t initial, int32_t* acc) {
  const auto* from = static_cast<const uint8_t*>(b.data) + column;
  const __m128i flip = _mm_set1_epi8(b.is_unsigned ? static_cast<char>(0x80) : 0);
  for (size_t n = 0; n < count; n += 16) {
    __m256i low = _mm256_set1_epi32(initial), high = low;
    for (size_t k = 0; k < b.k; k += 2) {
      const uint8_t* row = from + k * b.row_stride + n;
      const __m128i first = load_codes(row, count - n);
      const __m128i second =
          k + 1 < b.k ? load_codes(row + b.row_stride, count - n) : _mm_setzero_si128();
      int32_t pair;
      __builtin_memcpy(&pair, a + k, sizeof(pair));
      const __m256i codes = _mm256_set1_epi32(pair);
      low = _mm256_add_epi32(
          low, _mm256_madd_epi16(codes, widen(_mm_unpacklo_epi8(first, second), flip)));
      high = _mm256_add_epi32(
          high, _mm256_madd_epi16(codes, widen(_mm_unpackhi_epi8(first, second), flip)));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(acc + n), low);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(acc + n + 8), high);
  }
}

void direct(const GemmS8Args& args, const GemmS8Weights& b) {
  auto* a = static_cast<int16_t*>(args.scratch);
  const auto run = b.row_stride == 1 ? direct_columns : direct_rows;
  const int32_t zero = (b.zero_point == nullptr ? 0 : *b.zero_point) - (b.is_unsigned ? 128 : 0);
  const auto all_rows = [&](const AnyEnd& end) __attribute__((noinline)) {
    for (size_t m = 0; m < args.m; ++m) {
      const int32_t sum = direct_row(args, m, a);
      const int32_t initial = -zero * sum;
      alignas(64) int32_t acc[kDirectColumns];
      for (size_t n = 0; n < args.n; n += kDirectColumns) {
        const size_t count = args.n - n < kDirectColumns ? args.n - n : kDirectColumns;
        run(b, a, n, count, initial, acc);
        end({m, 1, n, count, acc, 0});
      }
    }
  };
  with_end<Vec>(args, Correction{}, [&](const auto& end) { all_rows(AnyEnd(end)); });
  finish_lookup(args, 0, args.m, 0, args.n);
}
