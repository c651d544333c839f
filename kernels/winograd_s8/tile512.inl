// The products of driver.inl by vpdpwssd on 512 bits. Included inside an anonymous namespace.

inline constexpr size_t kTileBlocks = 4;   // of 16 columns, that multiply() takes at once
inline constexpr size_t kChunkBlocks = 4;  // whose sums are kept until their outputs are made
inline constexpr size_t kTileRows = 6;

template <int kRows, int kBlocks>
__attribute__((noinline)) void multiply_tile(const uint8_t* a, size_t a_stride, size_t pairs,
                                             const int16_t* weights, size_t block_words,
                                             int32_t* to, size_t to_stride) {
  __m512i acc[kRows][kBlocks];
  simd::unroll<kRows>(
      [&](auto r) { simd::unroll<kBlocks>([&](auto b) { acc[r][b] = _mm512_setzero_si512(); }); });
  for (size_t g = 0; g < pairs; ++g) {
    __m512i w[kBlocks];
    simd::unroll<kBlocks>(
        [&](auto b) { w[b] = _mm512_load_si512(weights + b * block_words + g * 32); });
    simd::unroll<kRows>([&](auto r) {
      int32_t words;
      __builtin_memcpy(&words, a + r * a_stride + g * 4, 4);
      const __m512i x = _mm512_set1_epi32(words);
      simd::unroll<kBlocks>([&](auto b) { acc[r][b] = _mm512_dpwssd_epi32(acc[r][b], x, w[b]); });
    });
  }
  simd::unroll<kRows>([&](auto r) {
    simd::unroll<kBlocks>(
        [&](auto b) { _mm512_store_si512(to + r * to_stride + b * 16, acc[r][b]); });
  });
}

using MultiplyTile = void (*)(const uint8_t*, size_t, size_t, const int16_t*, size_t, int32_t*,
                              size_t);

template <int kBlocks>
MultiplyTile tile_of(size_t rows) {
  constexpr MultiplyTile kTiles[kTileRows] = {multiply_tile<1, kBlocks>, multiply_tile<2, kBlocks>,
                                              multiply_tile<3, kBlocks>, multiply_tile<4, kBlocks>,
                                              multiply_tile<5, kBlocks>, multiply_tile<6, kBlocks>};
  return kTiles[rows - 1];
}

inline void multiply(size_t rows, size_t blocks, const uint8_t* a, size_t a_stride, size_t pairs,
                     const int16_t* weights, size_t block_words, int32_t* to, size_t to_stride) {
  const MultiplyTile tile =
      blocks == 4
          ? tile_of<4>(rows)
          : (blocks == 3 ? tile_of<3>(rows) : (blocks == 2 ? tile_of<2>(rows) : tile_of<1>(rows)));
  tile(a, a_stride, pairs, weights, block_words, to, to_stride);
}
