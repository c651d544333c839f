// The tiles of panel.inl by AMX, after simd/tiles.inl; rows that don't fill one by vnni512.inl.

// Less depth, or fewer rows, don't pay the way through tiles.
inline constexpr size_t kLeastDepth = 32;
inline constexpr size_t kLeastRows = 4;

inline size_t padded_depth(size_t depth) {
  return round_up(depth, depth < kLeastDepth ? kGroup : kTileDepth);
}

inline constexpr bool kTakesSegments = false;
inline constexpr size_t kMaxTileRows = 2 * kTileRows;
inline bool fills_tiles(size_t rows, size_t groups) {
  return rows >= kLeastRows && groups * kGroup % kTileDepth == 0;
}

inline size_t tile_rows(size_t blocks, size_t left, size_t groups) {
  if (!fills_tiles(left, groups)) return vnni_rows(blocks, left);
  return smaller(left, 2 * kTileRows);
}

class Multiplier {
 public:
  Multiplier() = default;
  Multiplier(const Multiplier&) = delete;
  Multiplier& operator=(const Multiplier&) = delete;
  ~Multiplier() {
    if (shaped_ != 0) _tile_release();
  }

  template <int kBlocks, typename End>
  void operator()(simd::Index<kBlocks> /*blocks*/, size_t rows, const uint8_t* a, size_t a_stride,
                  const Depths& depths, const int8_t* weights, size_t block_bytes, const RowAt* at,
                  const End& end) {
    if (!fills_tiles(rows, depths.groups))
      return multiply_part<kBlocks>(rows, a, a_stride, depths, weights, block_bytes, at, end);
    if (shaped_ != rows) configure_tiles(rows);
    shaped_ = rows;
    alignas(64) int32_t tile[kMaxTileRows * kBlocks * kTileColumns];
    const TileRows codes{rows > kTileRows, a, a_stride, depths.groups * kGroup / kTileDepth};
    for (size_t b = 0; b < kBlocks; b += 2)
      multiply_tiles(codes, b + 1 < kBlocks,
                     {reinterpret_cast<const uint8_t*>(weights + b * block_bytes), 64, block_bytes},
                     tile + b * kTileColumns, kBlocks * kTileColumns);
    end_tile<kBlocks>(tile, rows, at, end);
  }

 private:
  size_t shaped_ = 0;  // The rows for which tiles are configured.
};
