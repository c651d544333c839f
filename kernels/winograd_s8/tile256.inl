// The products of driver.inl on 256 bits. Included inside an anonymous namespace after the
// instruction set's dot_words(sums, words, weights).

inline constexpr size_t kTileBlocks = 1;   // of 16 columns, that multiply() takes at once
inline constexpr size_t kChunkBlocks = 2;  // whose sums are kept until their outputs are made
inline constexpr size_t kTileRows = 6;

template <int kRows>
__attribute__((noinline)) void multiply_tile(const uint8_t* a, size_t a_stride, size_t pairs,
                                             const int16_t* weights, int32_t* to,
                                             size_t to_stride) {
  __m256i acc[kRows][2];
  simd::unroll<kRows>([&](auto r) { acc[r][0] = acc[r][1] = _mm256_setzero_si256(); });
  for (size_t g = 0; g < pairs; ++g) {
    const auto* at = reinterpret_cast<const __m256i*>(weights + g * 32);
    const __m256i w0 = _mm256_load_si256(at), w1 = _mm256_load_si256(at + 1);
    simd::unroll<kRows>([&](auto r) {
      int32_t words;
      __builtin_memcpy(&words, a + r * a_stride + g * 4, 4);
      const __m256i x = _mm256_set1_epi32(words);
      acc[r][0] = dot_words(acc[r][0], x, w0);
      acc[r][1] = dot_words(acc[r][1], x, w1);
    });
  }
  simd::unroll<kRows>([&](auto r) {
    auto* row = reinterpret_cast<__m256i*>(to + r * to_stride);
    _mm256_store_si256(row, acc[r][0]);
    _mm256_store_si256(row + 1, acc[r][1]);
  });
}

inline void multiply(size_t rows, size_t /*blocks*/, const uint8_t* a, size_t a_stride,
                     size_t pairs, const int16_t* weights, size_t /*block_words*/, int32_t* to,
                     size_t to_stride) {
  switch (rows) {
    case 6: return multiply_tile<6>(a, a_stride, pairs, weights, to, to_stride);
    case 5: return multiply_tile<5>(a, a_stride, pairs, weights, to, to_stride);
    case 4: return multiply_tile<4>(a, a_stride, pairs, weights, to, to_stride);
    case 3: return multiply_tile<3>(a, a_stride, pairs, weights, to, to_stride);
    case 2: return multiply_tile<2>(a, a_stride, pairs, weights, to, to_stride);
    default: return multiply_tile<1>(a, a_stride, pairs, weights, to, to_stride);
  }
}
