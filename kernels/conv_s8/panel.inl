// Products of a panel of gathered rows with packed weights, for conv_s8.
// Included inside an anonymous namespace after finish.inl, slots.inl and an instruction set's
// tile.inl, which defines
//   kCodeBytes              bytes of a code in a row of the panel
//   kGroup                  depths of a column that lie together
//   padded_depth(depth)     how many depths are multiplied, the last ones with weights of 0
//   kMaxBlocks, tile_rows(blocks, left, groups)   blocks of 16 columns and rows of one call
//   kTakesSegments          whether the depths of a row may lie in segments, each of whole groups
//   Multiplier()(simd::Index<blocks>, product, end)
//                           sums of a Product by `blocks` blocks, which an end takes: see RowAt
//   copy_codes, fill_codes, sum_codes   what gathers a row
//   blocks_at_once(left), with_blocks(count, f)   f(simd::Index<count>{}) of so many blocks
//   CodePacker              rounded values of up to kMaxBlocks blocks to codes (kBare: as
//                           Scaling::bare says), which it stores

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

inline constexpr size_t kCutRows = 24;  // panels end where tiles of 4, 6, 8 and 12 rows do
inline constexpr size_t kPanelRows = 2 * kCutRows;
inline constexpr size_t kMaxPanelRows = kPanelRows + kPanelRows / 2;

/// How many panels `rows` rows (or cuts of them) make, each of at most `most` and half of it.
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

/// Columns of kBlocks blocks. Their offset has what the rows' zero point asks for.
template <int kBlocks>
struct BlockColumns {
  Columns of[kBlocks];

  __attribute__((noinline))
  BlockColumns(const Target& target, const Matrix& m, const Rows& rows, size_t block) {
    for (int b = 0; b < kBlocks; ++b) {
      const size_t column = (block + b) * kLanes;
      of[b] = columns_at(*target.epilogue, m.first + column, smaller(kLanes, m.columns - column));
      of[b].offset =
          sub(of[b].offset, mul(load_ints(m.sums + column, kLanes), set_ints(rows.zero)));
    }
  }
  size_t count() const { return (kBlocks - 1) * kLanes + of[kBlocks - 1].count; }
  /// Those of one block: only the last one may have fewer.
  size_t count(int block) const { return block + 1 < kBlocks ? kLanes : of[kBlocks - 1].count; }
};

/// The end of a tile whose sums become codes without more to them.
template <Scaling kScaling, int kBlocks>
class CodeEnd {
 public:
  static constexpr bool kInRegisters = true;
  static constexpr bool kPacksRows = true;
  static constexpr bool kPaysDeep = kScaling != Scaling::swished;
  using Row = CodePacker::Codes;

  CodeEnd(const Target& target, const BlockColumns<kBlocks>& columns)
      : epilogue_(*target.epilogue),
        columns_(columns),
        pack_(epilogue_),
        count_(columns.count()),
        out_(static_cast<uint8_t*>(target.out) + columns.of[0].first),
        stride_(target.out_stride),
        residual_stride_(target.residual_stride) {}

  inline __attribute__((always_inline)) Ints offset(int block) const {
    return columns_.of[block].offset;
  }
  inline __attribute__((always_inline)) Row row(const RowAt& at,
                                                const Ints (&sums)[kBlocks]) const {
    Ints values[kBlocks];
    simd::unroll<kBlocks>([&](auto b) __attribute__((always_inline)) {
      values[b] = to_ints(scaled<kScaling>(epilogue_, residual_stride_, columns_.of[b],
                                           columns_.count(b), at.pixel, sums[b]));
    });
    return pack_.template pack<kScaling == Scaling::bare>(values);
  }
  inline __attribute__((always_inline)) void store(const RowAt& at, const Row& row) const {
    CodePacker::store<kBlocks>(out_ + at.pixel * stride_, count_, row);
  }

  /// The same for CodePacker::kTogether<kBlocks> rows, their sums one behind the other.
  template <int kSums>
  inline __attribute__((always_inline)) Row rows(const RowsAt& at,
                                                 const Ints (&sums)[kSums]) const {
    Ints values[kSums];
    simd::unroll<kSums>([&](auto i) __attribute__((always_inline)) {
      constexpr int kBlock = i % kBlocks;
      values[i] = to_ints(scaled<kScaling>(epilogue_, residual_stride_, columns_.of[kBlock],
                                           columns_.count(kBlock), at[i / kBlocks].pixel, sums[i]));
    });
    return pack_.template pack<kScaling == Scaling::bare>(values);
  }
  template <typename Packer = CodePacker>
  inline __attribute__((always_inline)) void store_rows(const RowsAt& at, const Row& rows) const {
    simd::unroll<Packer::template kTogether<kBlocks>>([&](auto r) __attribute__((always_inline)) {
      Packer::template store_row<kBlocks, r>(out_ + at[r].pixel * stride_, count_, rows);
    });
  }

 private:
  const ConvEpilogue& epilogue_;
  const BlockColumns<kBlocks>& columns_;
  CodePacker pack_;
  size_t count_;
  uint8_t* out_;
  size_t stride_, residual_stride_;
};

/// Scaled sums that stay floats.
template <int kBlocks>
class FloatEnd {
 public:
  static constexpr bool kInRegisters = true;
  static constexpr bool kPacksRows = false;
  static constexpr bool kPaysDeep = false;
  struct Row {
    Floats of[kBlocks];
  };

  FloatEnd(const Target& target, const BlockColumns<kBlocks>& columns)
      : epilogue_(*target.epilogue),
        columns_(columns),
        out_(static_cast<float*>(target.out) + columns.of[0].first),
        stride_(target.out_stride) {}

  inline __attribute__((always_inline)) Ints offset(int block) const {
    return columns_.of[block].offset;
  }
  inline __attribute__((always_inline)) Row row(const RowAt& at,
                                                const Ints (&sums)[kBlocks]) const {
    Row row;
    simd::unroll<kBlocks>([&](auto b) __attribute__((always_inline)) {
      const Floats v =
          scaled<Scaling::biased>(epilogue_, 0, columns_.of[b], kLanes, at.pixel, sums[b]);
      row.of[b] = min(max(v, set_floats(epilogue_.low)), set_floats(epilogue_.high));
    });
    return row;
  }
  inline __attribute__((always_inline)) void store(const RowAt& at, const Row& row) const {
    float* to = out_ + at.pixel * stride_;
    simd::unroll<kBlocks>([&](auto b) __attribute__((always_inline)) {
      store_floats(to + b * kLanes, b + 1 < kBlocks ? kLanes : columns_.of[b].count, row.of[b]);
    });
  }

 private:
  const ConvEpilogue& epilogue_;
  const BlockColumns<kBlocks>& columns_;
  float* out_;
  size_t stride_;
};

/// Whatever else may become of sums.
template <int kBlocks>
class AnyEnd {
 public:
  static constexpr bool kInRegisters = false;
  static constexpr bool kPacksRows = false;
  static constexpr bool kPaysDeep = false;
  struct Row {
    Ints of[kBlocks];
  };

  AnyEnd(const Target& target, const BlockColumns<kBlocks>& columns, const Matrix& m,
         const Rows& rows, size_t block)
      : target_(target), columns_(columns), zeros_(m.zeros + block * kLanes) {
    if (m.has_zeros) row_sums_ = rows.sums;
  }

  inline __attribute__((always_inline)) Ints offset(int /*block*/) const { return set_ints(0); }
  inline __attribute__((always_inline)) Row row(const RowAt& /*at*/,
                                                const Ints (&sums)[kBlocks]) const {
    Row row;
    simd::unroll<kBlocks>([&](auto b) __attribute__((always_inline)) { row.of[b] = sums[b]; });
    return row;
  }
  __attribute__((noinline)) void store(const RowAt& at, const Row& row) const {
    for (int b = 0; b < kBlocks; ++b) {
      Ints raw = row.of[b];
      if (row_sums_ != nullptr)
        raw = sub(raw, mul(load_ints(zeros_ + b * kLanes, kLanes), set_ints(row_sums_[at.row])));
      finish(target_, columns_.of[b], at.pixel, raw);
    }
  }

 private:
  const Target& target_;
  const BlockColumns<kBlocks>& columns_;
  const int32_t* zeros_;
  const int32_t* row_sums_ = nullptr;
};

/// f(end) with what ends the tiles of these rows and blocks.
template <int kBlocks, typename F>
void with_end(const Target& target, const Matrix& m, const Rows& rows, size_t block, F f) {
  const ConvEpilogue& e = *target.epilogue;
  const BlockColumns<kBlocks> columns(target, m, rows, block);
  if (!m.has_zeros && e.out == Element::f32 && e.residual == nullptr && e.swish_slope == 0.0F)
    return f(FloatEnd<kBlocks>(target, columns));
  if (m.has_zeros || target.scaling == Scaling::any)
    return f(AnyEnd<kBlocks>(target, columns, m, rows, block));
  switch (target.scaling) {
    case Scaling::bare: return f(CodeEnd<Scaling::bare, kBlocks>(target, columns));
    case Scaling::plain:  // A bias of 0 changes nothing.
    case Scaling::biased: return f(CodeEnd<Scaling::biased, kBlocks>(target, columns));
    case Scaling::residual: return f(CodeEnd<Scaling::residual, kBlocks>(target, columns));
    default: return f(CodeEnd<Scaling::swished, kBlocks>(target, columns));
  }
}

/// The pixel of output `ox` of a row among those of all images.
inline size_t pixel_at(const ConvShape& s, const ConvGrid& g, size_t row, size_t ox) {
  if (g.row == 0) return row * s.out_w + ox;
  return g.first + row / s.out_h * g.image + row % s.out_h * g.row + ox * g.column;
}

inline constexpr size_t kFarBytes = 32 * 1024;  // of weights that may have left the first caches

/// Multiplies the rows with the blocks [begin, end) of `m` and finishes the outputs `at`.
inline void multiply_rows(const Target& target, const Matrix& m, const Rows& rows, size_t begin,
                          size_t end, const RowsAt& at) {
  if (rows.count == 0) return;
  Multiplier multiply;
  Depths depths{m.groups() / rows.segments, rows.segments, rows.pitch};
  for (size_t block = begin; block < end;) {
    const size_t blocks = blocks_at_once(end - block);
    const int8_t* weights = m.codes + block * m.block_bytes();
    depths.ahead = weights;
    depths.ahead_step = 0;
    const size_t next = smaller(kMaxBlocks, end - block - blocks) * m.block_bytes();
    if (next >= kFarBytes) {
      // The rows share what they ask for: the next blocks.
      depths.ahead += blocks * m.block_bytes();
      depths.ahead_step = divide_up(next, rows.count * m.groups());
    }
    with_blocks(blocks, [&](auto count_of) {
      with_end<count_of>(target, m, rows, block, [&](const auto& tile_end) {
        for (size_t row = 0, count; row < rows.count; row += count) {
          count = tile_rows(blocks, rows.count - row, m.groups());
          multiply(count_of,
                   Product{rows.data + row * rows.stride, rows.stride, count, depths, weights,
                           m.block_bytes(), at.from(row)},
                   tile_end);
          depths.ahead += depths.ahead_step * count * m.groups();
        }
      });
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
    panels = panel_count(divide_up(row_count, kCutRows), least / kCutRows);
    if (panels * others < wanted)
      runs = larger(1, smaller(divide_up(wanted, panels * others), blocks / kMaxBlocks));
  }
  size_t tasks() const { return panels * runs; }
  size_t row_at(size_t panel) const {
    return smaller(divide_up(rows, kCutRows) * panel / panels * kCutRows, rows);
  }
  size_t block_at(size_t run) const { return blocks * run / runs; }
};
