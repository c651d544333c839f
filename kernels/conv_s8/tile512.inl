// The tiles of panel.inl by vnni512.inl.

inline size_t padded_depth(size_t depth) { return round_up(depth, kGroup); }
inline constexpr bool kTakesSegments = true;
inline constexpr size_t kMaxTileRows = 12;

inline size_t tile_rows(size_t blocks, size_t left, size_t /*groups*/) {
  return vnni_rows(blocks, left);
}

struct Multiplier {
  template <int kBlocks, typename End>
  void operator()(simd::Index<kBlocks> /*blocks*/, size_t rows, const uint8_t* a, size_t a_stride,
                  const Depths& depths, const int8_t* weights, size_t block_bytes, const RowAt* at,
                  const End& end) const {
    multiply_vnni<kBlocks>(rows, a, a_stride, depths, weights, block_bytes, at, end);
  }
};
