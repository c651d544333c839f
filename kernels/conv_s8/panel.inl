// Products of a panel of gathered rows with packed weights, for conv_s8 and conv_transpose_s8.
// Included inside an anonymous namespace after finish.inl, slots.inl and an instruction set's
// tile.inl, which defines
//   kCodeBytes              bytes of a code in a row of the panel
//   kGroup                  depths of a column that lie together
//   padded_depth(depth)     how many depths are multiplied, the last ones with weights of 0
//   kMaxBlocks, tile_rows(blocks, left, groups)   the largest tile: blocks of 16 columns, rows
//   kTakesSegments          whether the depths of a row may lie in segments, each of whole groups
//   Multiplier()(rows, blocks, a, a_stride, depths, weights, block_bytes, tile)
//   copy_codes, fill_codes, sum_codes   what gathers a row
//   with_blocks(count, f)   f(simd::Index<count>{})
//   CodePacker              rounded values of up to kMaxBlocks blocks to codes

inline constexpr size_t kLanes = 16;
inline constexpr size_t kBlockGroupBytes = kLanes * kGroup;

/// One matrix of packed weights: int32 sums[], int32 zeros[], then s8 codes by block of 16 columns,
/// group of depths, column, depth.
struct Matrix {
  size_t depth = 0, columns = 0, first = 0;  // `first` is the first column's output channel
  const int32_t* sums = nullptr;             // by column: Σ of its codes
  const int32_t* zeros = nullptr;            // by column: the zero point of its codes
  const int8_t* codes = nullptr;
  bool has_zeros = false;

  size_t blocks() const { return divide_up(columns, kLanes); }
  size_t groups() const { return padded_depth(depth) / kGroup; }
  size_t block_bytes() const { return groups() * kBlockGroupBytes; }
};

inline size_t matrix_bytes(size_t depth, size_t columns) {
  const size_t blocks = divide_up(columns, kLanes);
  return blocks * kLanes * 2 * sizeof(int32_t) +
         round_up(blocks * padded_depth(depth) * kLanes, 64);
}

inline Matrix matrix_at(const void* packed, size_t depth, size_t columns, size_t first,
                        bool has_zeros) {
  const size_t padded = round_up(columns, kLanes);
  const auto* sums = static_cast<const int32_t*>(packed);
  return {depth,    columns,       first,
          sums,     sums + padded, reinterpret_cast<const int8_t*>(sums + 2 * padded),
          has_zeros};
}

/// Whether any weight has a zero point once u8 codes are taken as s8 ones.
inline bool weights_have_zeros(const ConvWeights& w, size_t channels) {
  const int32_t shift = w.is_signed ? 0 : 128;
  bool any = w.zero_points == nullptr && shift != 0;
  for (size_t c = 0; w.zero_points != nullptr && c < channels; ++c)
    any = any || w.zero_points[c] != shift;
  return any;
}

inline constexpr size_t kNoWeight = ~size_t{0};

/// Fills a matrix from index(k, column), the place of a weight in w.data, or kNoWeight for a 0.
template <typename Index>
void pack_matrix(void* packed, size_t depth, size_t columns, size_t first, const ConvWeights& w,
                 Index index) {
  const Matrix m = matrix_at(packed, depth, columns, first, true);
  auto* sums = const_cast<int32_t*>(m.sums);
  auto* zeros = const_cast<int32_t*>(m.zeros);
  auto* codes = const_cast<int8_t*>(m.codes);
  const int shift = w.is_signed ? 0 : 128;
  for (size_t c = 0; c < round_up(columns, kLanes); ++c) {
    sums[c] = 0;
    zeros[c] = c < columns ? (w.zero_points != nullptr ? w.zero_points[first + c] : 0) - shift : 0;
    for (size_t k = 0; k < m.groups() * kGroup; ++k) {
      int8_t code = 0;
      const size_t at = c < columns && k < depth ? index(k, c) : kNoWeight;
      if (at != kNoWeight)
        code = static_cast<int8_t>(
            static_cast<uint8_t>(static_cast<const uint8_t*>(w.data)[at] ^ shift));
      sums[c] += code;
      codes[c / kLanes * m.block_bytes() + k / kGroup * kBlockGroupBytes + c % kLanes * kGroup +
            k % kGroup] = code;
    }
  }
}

/// Bytes between the rows of a panel; past a row's codes there is room for copies to run over.
inline size_t panel_stride(size_t depth) { return round_up(depth * kCodeBytes, 64) + 64; }

inline constexpr size_t kPanelRows = 48;
inline constexpr size_t kMaxPanelRows = kPanelRows + kPanelRows / 2;

/// How many panels `rows` rows make, each of at most `most` and half of it.
inline size_t panel_count(size_t rows, size_t most) {
  return larger(divide_up(rows, most + most / 2), (rows + most / 2) / most);
}

inline size_t panel_bytes(size_t depth) {
  return kMaxPanelRows * panel_stride(depth) + round_up(kMaxPanelRows * sizeof(int32_t), 64);
}

/// Rows of activations as the tiles read them.
struct Rows {
  const uint8_t* data;
  size_t stride, count;
  int32_t zero;                    // what the codes carry as zero point
  const int32_t* sums;             // by row: Σ (code - zero), where the matrix has zeros
  size_t segments = 1, pitch = 0;  // as in Depths
};

/// The columns of kBlocks blocks and how their sums are finished.
template <int kBlocks>
class Finisher {
 public:
  Finisher(const Target& target, const Matrix& m, const Rows& rows, size_t block)
      : target_(target), rows_(rows), pack_(*target.epilogue) {
    for (int b = 0; b < kBlocks; ++b) {
      const size_t column = (block + b) * kLanes;
      columns_[b] =
          columns_at(*target.epilogue, m.first + column, smaller(kLanes, m.columns - column));
      columns_[b].offset =
          sub(columns_[b].offset, mul(load_ints(m.sums + column, kLanes), set_ints(rows.zero)));
      if (m.has_zeros) zeros_[b] = load_ints(m.zeros + column, kLanes);
    }
    has_zeros_ = m.has_zeros;
    packs_ = !m.has_zeros && ends_in_codes(*target.epilogue);
  }

  /// A tile's `count` rows from `row` on become pixel_of(row).
  template <typename PixelOf>
  void finish_tile(const int32_t* tile, size_t row, size_t count, PixelOf pixel_of) const {
    if (packs_)
      return with_scaling(target_.scaling, [&](auto scaling) {
        finish_codes<decltype(scaling)::value>(tile, row, count, pixel_of);
      });
    for (size_t r = row; r < row + count; ++r, tile += kBlocks * kLanes)
      finish_any(tile, r, pixel_of(r));
  }

 private:
  /// Codes without more to them; the columns are stored together. Works on copies: stores of codes
  /// may write to any object that isn't local.
  template <Scaling kScaling, typename PixelOf>
  void finish_codes(const int32_t* tile, size_t row, size_t count, PixelOf pixel_of) const {
    const ConvEpilogue e = *target_.epilogue;
    const CodePacker pack = pack_;
    Columns c[kBlocks];
    simd::unroll<kBlocks>([&](auto b) { c[b] = columns_[b]; });
    const size_t columns = (kBlocks - 1) * kLanes + c[kBlocks - 1].count;
    const size_t stride = target_.out_stride, residual_stride = target_.residual_stride;
    auto* out = static_cast<uint8_t*>(target_.out) + c[0].first;
    for (size_t r = row; r < row + count; ++r, tile += kBlocks * kLanes) {
      const size_t pixel = pixel_of(r);
      Ints codes[kBlocks];
      simd::unroll<kBlocks>([&](auto b) __attribute__((always_inline)) {
        const Ints sum = load_ints(tile + b * kLanes, kLanes);
        const Floats v = scaled<kScaling>(e, residual_stride, c[b], pixel, sum);
        codes[b] = to_ints(kScaling == Scaling::any ? min(v, pack.high) : v);
      });
      pack.store(out + pixel * stride, columns, codes);
    }
  }

  void finish_any(const int32_t* tile, size_t row, size_t pixel) const {
    for (int b = 0; b < kBlocks; ++b) {
      Ints raw = load_ints(tile + b * kLanes, kLanes);
      if (has_zeros_) raw = sub(raw, mul(zeros_[b], set_ints(rows_.sums[row])));
      finish(target_, columns_[b], pixel, raw);
    }
  }

  const Target& target_;
  const Rows& rows_;
  CodePacker pack_;
  Columns columns_[kBlocks];
  Ints zeros_[kBlocks];
  bool has_zeros_, packs_;
};

inline constexpr size_t kFarBytes = 32 * 1024;  // of weights that may have left the first caches

/// Multiplies the rows with the blocks [begin, end) of `m` and finishes pixel_of(row).
template <typename PixelOf>
void multiply_rows(const Target& target, const Matrix& m, const Rows& rows, size_t begin,
                   size_t end, PixelOf pixel_of) {
  if (rows.count == 0) return;
  alignas(64) int32_t tile[kMaxTileLanes];
  Multiplier multiply;
  Depths depths{m.groups() / rows.segments, rows.segments, rows.pitch};
  for (size_t block = begin; block < end;) {
    size_t blocks = smaller(kMaxBlocks, end - block);
    if (end - block == kMaxBlocks + 1) blocks = divide_up(end - block, 2);
    depths.ahead = m.codes + block * m.block_bytes();
    depths.ahead_step = 0;
    const size_t next = smaller(kMaxBlocks, end - block - blocks) * m.block_bytes();
    if (next >= kFarBytes) {
      // The tiles share what they ask for: the next blocks.
      const size_t tiles = divide_up(rows.count, tile_rows(blocks, rows.count, m.groups()));
      depths.ahead += blocks * m.block_bytes();
      depths.ahead_step = divide_up(next, tiles * m.groups());
    }
    with_blocks(blocks, [&](auto count_of) {
      const Finisher<count_of> finisher(target, m, rows, block);
      for (size_t row = 0; row < rows.count;) {
        const size_t count = tile_rows(blocks, rows.count - row, m.groups());
        multiply(count, blocks, rows.data + row * rows.stride, rows.stride, depths,
                 m.codes + block * m.block_bytes(), m.block_bytes(), tile);
        finisher.finish_tile(tile, row, count, pixel_of);
        depths.ahead += depths.ahead_step * m.groups();
        row += count;
      }
    });
    block += blocks;
  }
}

/// A cut of `rows` x `blocks` of one matrix into tasks of whole panels and runs of blocks.
struct Cut {
  size_t panels, runs, rows, blocks;

  /// Panels of about `panel_rows`, which more threads make smaller down to kPanelRows.
  Cut(size_t row_count, size_t block_count, size_t others, size_t width,
      size_t panel_rows = kPanelRows)
      : runs(1), rows(row_count), blocks(block_count) {
    const size_t wanted = width > 1 ? 2 * width : 1;
    const size_t least = smaller(panel_rows, larger(kPanelRows, row_count / wanted));
    panels = panel_count(row_count, least);
    if (panels * others < wanted)
      runs = larger(1, smaller(divide_up(wanted, panels * others), blocks / kMaxBlocks));
  }
  size_t tasks() const { return panels * runs; }
  size_t row_at(size_t panel) const { return rows * panel / panels; }
  size_t block_at(size_t run) const { return blocks * run / runs; }
};
