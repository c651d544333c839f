// The tiles of panel.inl by the products of kernels/simd/rows_*.inl: s8 codes (u8 ones minus 128).

inline constexpr size_t kCodeBytes = 1;
inline constexpr size_t kStep = 16;  // codes of a row that are read at once
inline size_t padded_depth(size_t depth) { return round_up(depth, kStep); }
inline constexpr size_t kMaxBlocks = 1;
inline constexpr bool kTakesSegments = false;

inline int32_t panel_zero(const ConvIo& io) { return io.in_zero_point - (io.in_signed ? 0 : 128); }

inline size_t blocks_at_once(size_t /*left*/) { return kMaxBlocks; }

template <typename F>
void with_blocks(size_t /*count*/, F f) {
  f(simd::Index<1>{});
}

inline size_t tile_rows(size_t /*blocks*/, size_t left, size_t /*groups*/) {
  return smaller(left, kTileRows);
}

class Multiplier {
 public:
  template <int kBlocks, typename End>
  void operator()(simd::Index<kBlocks> /*blocks*/, const Product& p, const End& end) {
    const size_t steps = p.depths.groups * kGroup / kStep;
    // A look at the weights pays for whole tiles.
    if (p.rows == kTileRows && p.weights != seen_) {
      seen_ = p.weights;
      lowest_ = has_lowest(p.weights, steps);
    }
    alignas(64) int32_t tile[kTileRows * kBlocks * 16];
    multiply_tile(p.rows, reinterpret_cast<const int8_t*>(p.a), p.a_stride, p.weights, steps,
                  p.weights != seen_ || lowest_, tile);
    end_tile<kBlocks>(tile, p.rows, p.at, end);
  }

 private:
  const int8_t* seen_ = nullptr;
  bool lowest_ = false;
};

/// Copies `count` codes into a row; up to 15 bytes past them may be overwritten.
inline void copy_codes(uint8_t* to, const uint8_t* from, size_t count, const ConvIo& io,
                       const uint8_t* end) {
  const Bytes flip = vdupq_n_u8(io.in_signed ? 0 : 0x80);
  size_t i = 0;
  for (; i < count && static_cast<size_t>(end - from) >= i + 16; i += 16)
    vst1q_u8(to + i, veorq_u8(vld1q_u8(from + i), flip));
  if (i < count) vst1q_u8(to + i, veorq_u8(load_bytes(from + i, count - i), flip));
}

/// Writes `count` codes of zero; up to 15 bytes past them may be overwritten.
inline void fill_codes(uint8_t* to, size_t count, const ConvIo& io) {
  const Bytes zero = vdupq_n_u8(static_cast<uint8_t>(panel_zero(io) & 0xFF));
  for (size_t i = 0; i < count; i += 16) vst1q_u8(to + i, zero);
}

/// Σ (code - zero) of a row.
inline int32_t sum_codes(const uint8_t* row, size_t depth, int32_t zero) {
  int32_t sum = 0;
  for (size_t i = 0; i < depth; ++i) sum += static_cast<int8_t>(row[i]);
  return sum - static_cast<int32_t>(depth) * zero;
}
