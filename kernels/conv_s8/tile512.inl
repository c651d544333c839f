// The tiles of panel.inl by vnni512.inl.

inline size_t padded_depth(size_t depth) { return round_up(depth, kGroup); }
inline constexpr bool kTakesSegments = true;

inline size_t tile_rows(size_t /*blocks*/, size_t left, size_t /*groups*/) { return left; }

inline constexpr int kMostFew = tile_rows_of(1);

/// Rows and groups of tiles whose ends take so little of the time that it is better to read
/// weights, which may come from the second cache, less often.
inline constexpr int kDeepRows = 6;
inline constexpr size_t kDeepGroups = 40;

/// Tiles, and rows that don't fill one by themselves.
struct Multiplier {
  template <int kBlocks, typename End>
  void operator()(simd::Index<kBlocks> /*blocks*/, const Product& p, const End& end) const {
    if constexpr (kBlocks == kMaxBlocks && End::kPaysDeep)
      if (p.depths.groups * p.depths.segments >= kDeepGroups)
        return multiply<kDeepRows, kBlocks>(p, end);
    multiply<tile_rows_of(kBlocks), kBlocks>(p, end);
  }

 private:
  template <int kRows, int kBlocks, typename End>
  static void multiply(const Product& p, const End& end) {
    const size_t few = p.rows < kRows ? p.rows : (p.rows % kRows == 1 ? 1 : 0);
    const size_t tiled = p.rows - few;
    if (tiled != 0) multiply_tiles<kRows, kBlocks>(p.from(0, tiled), end);
    if (few != 0) multiply_few<kMostFew, kBlocks>(p.from(tiled, few), end);
  }
};
