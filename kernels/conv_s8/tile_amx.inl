// The tiles of panel.inl by AMX, after simd/tiles.inl; rows that don't fill one by vnni512.inl's
// for one row.

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

inline size_t tile_rows(size_t /*blocks*/, size_t left, size_t groups) {
  return smaller(left, fills_tiles(left, groups) ? kMaxTileRows : kLeastRows);
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
  void operator()(simd::Index<kBlocks> /*blocks*/, const Product& p, const End& end) {
    if (!fills_tiles(p.rows, p.depths.groups)) return multiply_few<kLeastRows, kBlocks>(p, end);
    if (shaped_ != p.rows) configure_tiles(p.rows);
    shaped_ = p.rows;
    alignas(64) int32_t tile[kMaxTileRows * kBlocks * kTileColumns];
    const TileRows codes{p.rows > kTileRows, p.a, p.a_stride,
                         p.depths.groups * kGroup / kTileDepth};
    for (size_t b = 0; b < kBlocks; b += 2)
      multiply_tiles(
          codes, b + 1 < kBlocks,
          {reinterpret_cast<const uint8_t*>(p.weights + b * p.block_bytes), 64, p.block_bytes},
          tile + b * kTileColumns, kBlocks * kTileColumns);
    end_tile<kBlocks>(tile, p.rows, p.at, end);
  }

 private:
  size_t shaped_ = 0;  // The rows for which tiles are configured.
};
