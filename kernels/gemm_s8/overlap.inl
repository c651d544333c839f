// Tiles whose rows end while the next tile is multiplied: products and ends keep different parts of
// a core busy. Included inside an anonymous namespace after vnni.inl.

// The columns of a panel of two to four vectors.
struct PanelColumns {
  Columns<Vec> of[kPanelVectors];
  size_t width;
  bool has_offsets;  // whether rows have some
};

// A row of sums that waits for its end, [kPanel].
struct WaitingRow {
  int32_t* sums = nullptr;  // null: behind the last row
  const PanelColumns* panel = nullptr;
  size_t row = 0;
  int32_t offset = 0;  // what its sums are too large by
};

// Rows wait whose tiles are made. At most the last whole tile's of a panel, and what is no whole
// tile of the panel after.
constexpr size_t kMostWaiting = 2 * kRows;

template <size_t N, typename Store>
inline __attribute__((always_inline)) void end_vectors(const WaitingRow& row, const Store& store) {
  const auto& columns = reinterpret_cast<const Columns<Vec>(&)[N]>(row.panel->of);
  Dot::Int sums[N];
#pragma GCC unroll 4
  for (size_t v = 0; v < N; ++v)
    sums[v] = Vec::add(Vec::load_int(row.sums + v * Vec::kLanes, Vec::kLanes), columns[v].bias);
  if (row.panel->has_offsets) {
    const Dot::Int offset = Vec::set_int(row.offset);
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v) sums[v] = Vec::subtract(sums[v], offset);
  }
  store.row(columns, row.row, row.panel->width, sums, row.sums);
}

template <typename Store>
inline __attribute__((always_inline)) void end_row(const WaitingRow& row, const Store& store) {
  const size_t width = row.panel->width;
  if (width > 3 * Vec::kLanes)
    end_vectors<4>(row, store);
  else if (width > 2 * Vec::kLanes)
    end_vectors<3>(row, store);
  else
    end_vectors<2>(row, store);
}

// What a whole tile reads, its sums' place [kRows][kPanel], and the groups of k between the ends of
// two rows.
struct WholeTile {
  const uint8_t* a;
  size_t a_stride;
  const uint8_t* panel;
  Ahead ahead;
  size_t groups, groups_per_end;
  int32_t* acc;
};

// Multiplies a tile of V vectors and ends the waiting rows. What it keeps beside sums is little:
// g++ would spill pointers to vector registers, behind whose products loops then wait.
template <size_t V, typename Store>
__attribute__((noinline)) void multiply_and_end(const WholeTile& tile, const WaitingRow* row,
                                                const Store& store) {
  Dot::Int sum[kRows][V];
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (size_t v = 0; v < V; ++v) sum[r][v] = Dot::zero();
  const uint8_t *a = tile.a, *b = tile.panel, *ahead = tile.ahead.at;
  size_t left = tile.groups;
  do {
    size_t count = left;
    if (row->sums != nullptr) {
      end_row(*row++, store);
      if (row->sums != nullptr && tile.groups_per_end < left) count = tile.groups_per_end;
    }
    left -= count;
    for (; count > 0; --count, a += 4, b += V * Dot::kLanes * 4) {
      Dot::Int weights[V];
#pragma GCC unroll 4
      for (size_t v = 0; v < V; ++v) weights[v] = Dot::load_shared(b + v * Dot::kLanes * 4);
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
      ahead += tile.ahead.step;
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r) {
        const Dot::Int codes = Dot::broadcast_load(a + r * tile.a_stride);
#pragma GCC unroll 4
        for (size_t v = 0; v < V; ++v) sum[r][v] = Dot::dot(sum[r][v], codes, weights[v]);
      }
    }
  } while (left > 0 || row->sums != nullptr);
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (size_t v = 0; v < V; ++v) Dot::store(tile.acc + r * kPanel + v * Dot::kLanes, sum[r][v]);
}

// Rows in the order of their tiles.
template <typename Store>
class RowQueue {
 public:
  RowQueue(const GemmS8Args& args, const Correction& correction)
      : args_(args),
        correction_(correction),
        corrects_(corrects_rows(args, correction)),
        store_(args) {}

  // The rows that follow are of this panel. Those of the panel before the last have ended.
  void begin(size_t column, size_t columns) {
    panel_ = panel_ == panels_ ? panels_ + 1 : panels_;
    column_ = column;
    panel_->width = columns;
    panel_->has_offsets = correction_.one_zero;
    for (size_t v = 0; v * Vec::kLanes < columns; ++v) {
      const size_t at = v * Vec::kLanes, left = columns - at;
      panel_->of[v] = load_columns<Vec>(args_, correction_, column + at,
                                        left < Vec::kLanes ? left : size_t{Vec::kLanes});
    }
  }
  // Where the next tile's sums go: three tiles' rows lie side by side.
  int32_t* place() { return sums_[tile_]; }
  void add(size_t row, size_t rows) {
    if (corrects_)
      correct_block<Vec>(args_, correction_, {row, rows, column_, panel_->width, place(), kPanel});
    for (size_t r = 0; r < rows; ++r)
      waiting_[count_++] = {place() + r * kPanel, panel_, row + r,
                            correction_.one_zero ? row_offset(correction_, row + r) : 0};
    waiting_[count_].sums = nullptr;
    tile_ = tile_ == 2 ? 0 : tile_ + 1;
  }
  void multiply(const WholeTile& tile, size_t vectors) {
    const auto run = vectors == 4   ? multiply_and_end<4, Store>
                     : vectors == 3 ? multiply_and_end<3, Store>
                                    : multiply_and_end<2, Store>;
    run(tile, waiting_, store_);
    count_ = 0;
  }
  __attribute__((noinline)) void end_all() {
    for (size_t i = 0; i < count_; ++i) end_row(waiting_[i], store_);
    count_ = 0;
  }

 private:
  const GemmS8Args& args_;
  const Correction correction_;
  const bool corrects_;
  const Store store_;
  PanelColumns panels_[2];
  PanelColumns* panel_ = panels_;
  size_t column_ = 0, count_ = 0, tile_ = 0;
  WaitingRow waiting_[kMostWaiting + 1];
  alignas(64) int32_t sums_[3][kRows * kPanel];
};

// Less of K is over before a row has ended; fewer rows are read by even tiles, and what these save
// is more than their ends take.
constexpr size_t kLeastDepth = 128, kLeastRows = 2 * kRows;

// Of more than one vector of columns.
template <typename Store>
void tile_overlapped(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
                     size_t column_end) {
  const Operands from(args);
  const size_t rest = (row_end - row_begin) % kRows, groups = round_up(args.k, 4) / 4;
  const size_t step = ahead_step<kRows>(row_end - row_begin);
  RowQueue<Store> queue(args, from.correction);
  for (size_t n = column_begin, columns; n < column_end; n += columns) {
    columns = panel_columns(n, args.n);
    const size_t vectors = padded_columns(columns) / Dot::kLanes;
    const uint8_t* panel = from.panel(n);
    Ahead ahead = {panel + vectors * Dot::kLanes * from.depth, n + columns < column_end ? step : 0};
    queue.begin(n, columns);
    for (size_t m = row_begin, rows; m < row_end; m += rows) {
      rows = m == row_begin && rest != 0 ? rest : kRows;
      const uint8_t* a = from.a + m * from.a_stride;
      if (rows < kRows)
        multiply_rows({a, from.a_stride, m, rows, panel, vectors, ahead}, groups, queue.place());
      else
        queue.multiply({a, from.a_stride, panel, ahead, groups,
                        (groups + kMostWaiting - 1) / kMostWaiting, queue.place()},
                       vectors);
      queue.add(m, rows);
      ahead.at += ahead.step * groups;
    }
    if (row_end - row_begin < kRows) queue.end_all();
  }
  queue.end_all();
}
