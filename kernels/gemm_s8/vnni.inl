// The u8 x s8 product by vpdpbusd, over the including file's Dot (one vector of 32-bit lanes) and
// Vec. Included inside an anonymous namespace after pack.inl and epilogue.inl, and after
//   kPanelVectors: vectors of a panel's columns
//   kDepth: B's K is padded to a multiple of it, itself one of 4
//   kNearWeights: bytes of weights that a single row reads without asking for them ahead
//
// Packed B: PackedHeader, int32_t sums[N], int32_t zeros[N], panels of kPanel columns in groups of
// four k (the last panel as wide as whole vectors need). Scratch: int32_t row_sums[M], then, when A
// is signed or K is no multiple of 4, A as u8 (signed codes plus 128) with zeros past K.

constexpr size_t kPanel = kPanelVectors * Dot::kLanes;

size_t padded_columns(size_t n) { return round_up(n, Dot::kLanes); }
size_t panel_offset(size_t n) {
  return sizeof(PackedHeader) + round_up(2 * padded_columns(n) * sizeof(int32_t), 64);
}

// Columns of the panel that begins at column n of N. One of a single vector would be too few chains
// of sums: the panel before gives it one.
size_t panel_columns(size_t n, size_t all) {
  const size_t left = all - n;
  if (kPanelVectors > 3 && left > kPanel && left <= kPanel + Dot::kLanes)
    return kPanel - Dot::kLanes;
  return left < kPanel ? left : kPanel;
}

size_t packed_bytes(size_t k, size_t n) {
  return panel_offset(n) + round_up(k, kDepth) * padded_columns(n);
}

void pack(const GemmS8Weights& w, void* packed) {
  auto* bytes = static_cast<uint8_t*>(packed);
  const size_t padded = padded_columns(w.n), groups = round_up(w.k, 4) / 4;
  const size_t depth = round_up(w.k, kDepth);
  auto* sums = reinterpret_cast<int32_t*>(bytes + sizeof(PackedHeader));
  int32_t* zeros = sums + padded;
  *static_cast<PackedHeader*>(packed) = pack_zeros(w, padded, zeros);
  uint8_t* panel = bytes + panel_offset(w.n);
  for (size_t n = 0, count; n < w.n; n += count) {
    count = panel_columns(n, w.n);
    const size_t width = padded_columns(count);
    pack_panel<4>(w, n, count, width, panel);
    for (size_t i = 0; i < width; i += Dot::kLanes) {
      Dot::Int sum = Dot::zero();
      for (size_t g = 0; g < groups; ++g)
        sum = Dot::dot(sum, Dot::broadcast(0x01010101), Dot::load(panel + (g * width + i) * 4));
      Dot::store(sums + n + i, sum);
    }
    __builtin_memset(panel + groups * 4 * width, 0, (depth - groups * 4) * width);
    panel += depth * width;
  }
  for (size_t n = 0; n < padded; ++n) sums[n] -= static_cast<int32_t>(w.k) * zeros[n];
}

constexpr size_t kRowStep = 4;
#include "kernels/gemm_s8/rows_u8.inl"

// What the next panel will read, `step` bytes for each group of k.
struct Ahead {
  const uint8_t* at;
  size_t step;
};

// A single row reads weights of the caches further out faster than they come unasked, and so asks
// for them some bytes ahead; at the end of a panel the next one is then on its way.
constexpr size_t kFarAhead = 2048;

// Sums of R rows and V vectors of columns into acc[R][kPanel]; single rows run over U chains.
template <size_t R, size_t V, size_t U, bool kFar = false>
void multiply(const uint8_t* a, size_t a_stride, const uint8_t* b, size_t groups, int32_t* acc,
              Ahead ahead) {
  Dot::Int sum[U][R][V];
#pragma GCC unroll 4
  for (size_t u = 0; u < U; ++u)
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t v = 0; v < V; ++v) sum[u][r][v] = Dot::zero();
  const auto step = [&](size_t u, size_t g) __attribute__((always_inline)) {
    Dot::Int weights[V];
#pragma GCC unroll 4
    for (size_t v = 0; v < V; ++v) {
      const uint8_t* from = b + (g * V + v) * Dot::kLanes * 4;
      weights[v] = R == 1 ? Dot::load(from) : Dot::load_shared(from);
      if (kFar && v * Dot::kLanes * 4 % 64 == 0)
        _mm_prefetch(reinterpret_cast<const char*>(from + kFarAhead), _MM_HINT_T0);
    }
    if constexpr (R > 1)
      _mm_prefetch(reinterpret_cast<const char*>(ahead.at + g * ahead.step), _MM_HINT_T1);
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r) {
      const Dot::Int codes = Dot::broadcast_load(a + r * a_stride + g * 4);
#pragma GCC unroll 4
      for (size_t v = 0; v < V; ++v) sum[u][r][v] = Dot::dot(sum[u][r][v], codes, weights[v]);
    }
  };
  size_t g = 0;
  for (; g + U <= groups; g += U)
#pragma GCC unroll 4
    for (size_t u = 0; u < U; ++u) step(u, g + u);
  if constexpr (U > 1)
    for (; g < groups; ++g) step(0, g);
#pragma GCC unroll 8
  for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (size_t v = 0; v < V; ++v) {
#pragma GCC unroll 4
      for (size_t u = 1; u < U; ++u) sum[0][r][v] = Dot::add(sum[0][r][v], sum[u][r][v]);
      Dot::store(acc + r * kPanel + v * Dot::kLanes, sum[0][r][v]);
    }
}

using Multiply = void (*)(const uint8_t*, size_t, const uint8_t*, size_t, int32_t*, Ahead);

// Chains of sums of one row by V vectors: enough of them to hide a product's latency.
template <size_t V>
constexpr size_t kRowChains = V < 3 ? 4 : 2;
template <size_t V>
constexpr Multiply kMultiplyRows[] = {multiply<1, V, kRowChains<V>>,
                                      multiply<2, V, 1>,
                                      multiply<3, V, 1>,
                                      multiply<4, V, 1>,
                                      multiply<5, V, 1>,
                                      multiply<6, V, 1>};
constexpr size_t kRows = 6;

Multiply multiply_of(size_t rows, size_t vectors) {
  switch (vectors) {
    case 1: return kMultiplyRows<1>[rows - 1];
    case 2: return kMultiplyRows<2>[rows - 1];
    case 3: return kMultiplyRows < kPanelVectors < 3 ? 1 : 3 > [rows - 1];
    default: return kMultiplyRows<kPanelVectors>[rows - 1];
  }
}

// What a tile reads.
struct Operands {
  explicit Operands(const GemmS8Args& args)
      : packed(static_cast<const uint8_t*>(args.packed)),
        depth(round_up(args.k, kDepth)),
        columns(args.n) {
    const auto* scratch = static_cast<const uint8_t*>(args.scratch);
    correction.sums = reinterpret_cast<const int32_t*>(packed + sizeof(PackedHeader));
    correction.zero_shift = args.a_signed ? 128 : 0;
    const auto* header = static_cast<const PackedHeader*>(args.packed);
    if (header->has_zero != 0) {
      correction.zeros = correction.sums + padded_columns(args.n);
      correction.one_zero = header->one_zero != 0;
      correction.row_sums = reinterpret_cast<const int32_t*>(scratch);
    }
    const bool copied = copies_a(args);
    a = copied ? scratch + scratch_offset(args.m) : static_cast<const uint8_t*>(args.a);
    a_stride = copied ? scratch_stride(args.k) : args.a_stride;
  }
  const uint8_t* panel(size_t column) const {
    return packed + panel_offset(columns) + column * depth;
  }

  const uint8_t* packed;
  size_t depth, columns;
  Correction correction;
  const uint8_t* a;
  size_t a_stride;
};

// A block of rows of A times a panel, into acc[rows][kPanel].
struct Block {
  const uint8_t* a;
  size_t a_stride, row, rows;
  const uint8_t* panel;
  size_t vectors;  // of the panel's columns
  Ahead ahead;
};

// One row. The product of whole panels is called directly: behind a pointer a call a panel took a
// tenth of the time.
void tile_row(const GemmS8Args& args, size_t row, size_t column_begin, size_t column_end) {
  const Operands from(args);
  const bool is_far = padded_columns(args.n) * from.depth > kNearWeights;
  const uint8_t* a = from.a + row * from.a_stride;
  const size_t groups = round_up(args.k, 4) / 4;
  with_end<Vec>(args, from.correction, [&](const auto& end) {
    alignas(64) int32_t acc[kPanel];
    for (size_t n = column_begin, columns; n < column_end; n += columns) {
      columns = panel_columns(n, args.n);
      const size_t vectors = padded_columns(columns) / Dot::kLanes;
      if (vectors < kPanelVectors)
        multiply_of(1, vectors)(a, 0, from.panel(n), groups, acc, Ahead{});
      else if (is_far)
        multiply<1, kPanelVectors, kRowChains<kPanelVectors>, true>(a, 0, from.panel(n), groups,
                                                                    acc, Ahead{});
      else
        multiply<1, kPanelVectors, kRowChains<kPanelVectors>>(a, 0, from.panel(n), groups, acc,
                                                              Ahead{});
      end(SumBlock{row, 1, n, columns, acc, 0});
    }
  });
  finish_lookup(args, row, row + 1, column_begin, column_end);
}

// Blocks of rows share the panel that follows: what it takes to have read it all when they are
// done.
template <size_t kBlock>
size_t ahead_step(size_t rows) {
  const size_t blocks = (rows + kBlock - 1) / kBlock;
  return (kPanel * 4 + blocks - 1) / blocks;
}

// Blocks of up to kBlock rows by `multiply(block, acc)`; a tile of one row without it.
template <size_t kBlock, typename F>
void tile_by(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
             size_t column_end, F multiply) {
  if (row_end - row_begin == 1) return tile_row(args, row_begin, column_begin, column_end);
  const Operands from(args);
  const size_t step = ahead_step<kBlock>(row_end - row_begin);
  const auto run = [&](const AnyEnd& end) __attribute__((noinline)) {
    alignas(64) int32_t acc[kBlock * kPanel];
    for (size_t n = column_begin, columns; n < column_end; n += columns) {
      columns = panel_columns(n, args.n);
      const size_t vectors = padded_columns(columns) / Dot::kLanes;
      const uint8_t* panel = from.panel(n);
      Ahead ahead = {panel + vectors * Dot::kLanes * from.depth,
                     n + columns < column_end ? step : 0};
      for (size_t m = row_begin; m < row_end; m += kBlock) {
        const size_t rows = row_end - m < kBlock ? row_end - m : kBlock;
        multiply(Block{from.a + m * from.a_stride, from.a_stride, m, rows, panel, vectors, ahead},
                 acc);
        ahead.at += ahead.step * from.depth / 4;
        end({m, rows, n, columns, acc, kPanel});
      }
    }
  };
  with_end<Vec>(args, from.correction, [&](const auto& end) { run(AnyEnd(end)); });
  finish_lookup(args, row_begin, row_end, column_begin, column_end);
}

// Any number of rows.
void multiply_rows(const Block& block, size_t groups, int32_t* acc) {
  const size_t tiles = (block.rows + kRows - 1) / kRows;
  Ahead ahead = {block.ahead.at, (block.ahead.step + tiles - 1) / tiles};
  for (size_t r = 0, rows; r < block.rows; r += rows, acc += rows * kPanel) {
    rows = next_rows(block.rows - r, kRows);
    multiply_of(rows, block.vectors)(block.a + r * block.a_stride, block.a_stride, block.panel,
                                     groups, acc, ahead);
    ahead.at += ahead.step * groups;
  }
}

// Rows that end together: the columns' part of that is made once for them.
constexpr size_t kBlockRows = 4 * kRows;

inline void tile_in_blocks(const GemmS8Args& args, size_t row_begin, size_t row_end,
                           size_t column_begin, size_t column_end) {
  tile_by<kBlockRows>(args, row_begin, row_end, column_begin, column_end,
                      [&](const Block& block, int32_t* acc) {
                        multiply_rows(block, round_up(args.k, 4) / 4, acc);
                      });
}
