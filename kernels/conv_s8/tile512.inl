// The tiles of panel.inl by vnni512.inl.

inline size_t padded_depth(size_t depth) { return round_up(depth, kGroup); }
inline constexpr bool kTakesSegments = true;
inline constexpr size_t kMaxTileLanes = 24 * 16;

inline size_t tile_rows(size_t blocks, size_t left, size_t /*groups*/) {
  return vnni_rows(blocks, left);
}

struct Multiplier {
  void operator()(size_t rows, size_t blocks, const uint8_t* a, size_t a_stride,
                  const Depths& depths, const int8_t* weights, size_t block_bytes,
                  int32_t* tile) const {
    multiply_vnni(rows, blocks, a, a_stride, depths, weights, block_bytes, tile);
  }
};
