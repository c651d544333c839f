#include <algorithm>
#include <cassert>

#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::kernels {
namespace {

// A block of rows of A should stay in half of a core's second-level cache while panels pass by.
constexpr size_t kBlockFloats = size_t{96} << 10;
constexpr size_t kLeastBlockTiles = 4;
constexpr size_t kPanelsAtOnce = 4;
// Chunks a thread, so that a late one finds some.
constexpr size_t kChunksPerThread = 4;
// A chunk of less work than this isn't worth waking a thread for.
constexpr size_t kGrainWork = size_t{1} << 18;

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

size_t panel_width(const GemmF32Table& table, size_t columns) {
  return columns >= table.panel ? table.panel : ceil_div(columns, table.vector) * table.vector;
}

// Units of a packed B's column: floats, halfs, or words of codes and scales.
size_t column_units(WeightFormat format, size_t k) {
  if (format.form != WeightForm::s4) return k;
  return ceil_div(k, 8) + ceil_div(k, format.group);
}

size_t unit_bytes(WeightForm form) { return form == WeightForm::f16 ? 2 : 4; }

// Rows of B that are packed before the next panel's: what a page or a prefetch brings is used.
constexpr size_t kPackedRows = 16;

void pack_panels(const GemmF32Table& table, const MatrixF32& b, size_t k, size_t n, size_t begin,
                 size_t end, float* packed) {
  const size_t step = b.column == 1 ? kPackedRows : std::max<size_t>(1, k);
  for (size_t row = 0; row < k; row += step)
    for (size_t p = begin; p < end; ++p) {
      const size_t first = p * table.panel;
      const size_t columns = std::min(table.panel, n - first);
      const size_t width = panel_width(table, columns);
      MatrixF32 part = b;
      part.data += static_cast<ptrdiff_t>(first) * b.column + static_cast<ptrdiff_t>(row) * b.row;
      table.pack_panel(part, std::min(step, k - row), columns, width,
                       packed + first * k + row * width);
    }
}

// How the rows are cut: tiles of nearly equal height, whole ones for forms that have tiles of few
// heights; blocks of whole tiles.
struct RowCut {
  size_t tile;
  size_t block;
  size_t blocks;
};

// At least `parts` blocks where there are as many tiles.
RowCut cut_rows(const GemmF32Table& table, const GemmF32Args& args, size_t parts) {
  const size_t m = args.m, k = args.k;
  const size_t tiles = ceil_div(m, table.tile_rows);
  const size_t tile =
      args.format.form == WeightForm::f32 ? ceil_div(m, tiles) : std::min(m, table.tile_rows);
  const size_t fitting = kBlockFloats / std::max<size_t>(1, tile * k);
  size_t per_block = std::clamp<size_t>(fitting, std::min(kLeastBlockTiles, tiles), tiles);
  per_block = std::min(per_block, ceil_div(tiles, parts));
  const size_t blocks = ceil_div(tiles, per_block);
  per_block = ceil_div(tiles, blocks);
  return {tile, per_block * tile, ceil_div(m, per_block * tile)};
}

// A product of the batch with its operands' offsets.
struct Product {
  ptrdiff_t a, b, out, addend, residual;
  size_t copy;
};

// Where a range finds B.
enum class BSource {
  // Packed before.
  packed,
  // The range packs the panels that it multiplies by.
  packs,
  // Read where it is, but for the last columns that don't fill a vector.
  direct,
};

size_t copies(const GemmF32Args& args) {
  return (args.outer.b != 0 ? args.outer.count : 1) * (args.inner.b != 0 ? args.inner.count : 1);
}

// Where products share a B, its last columns would be packed for each.
bool reads_directly(const GemmF32Table& table, const GemmF32Args& args) {
  return args.packed_b == nullptr && args.b.column == 1 && args.b.row > 0 &&
         args.m <= 2 * table.tile_rows &&
         (args.n % table.vector == 0 || copies(args) == args.outer.count * args.inner.count);
}

struct Job {
  const GemmF32Table& table;
  const GemmF32Args& args;
  RowCut cut;
  size_t panels;
  size_t packed_size;
  const void* packed;
  BSource source;

  Product product(size_t index) const;
  void run(size_t begin, size_t end) const;
  void run_panels(const Product& at, size_t row_block, size_t first, size_t count) const;
  void run_direct(const Product& at, size_t index, size_t first, size_t count) const;
  GemmF32Block block_at(const Product& at, size_t row, size_t column, size_t columns) const;
};

Product Job::product(size_t index) const {
  const size_t i = index / args.inner.count;
  const size_t j = index % args.inner.count;
  const auto at = [&](ptrdiff_t outer, ptrdiff_t inner) {
    return static_cast<ptrdiff_t>(i) * outer + static_cast<ptrdiff_t>(j) * inner;
  };
  const size_t inner_copies = args.inner.b != 0 ? args.inner.count : 1;
  return {at(args.outer.a, args.inner.a),
          at(args.outer.b, args.inner.b),
          at(args.outer.out, args.inner.out),
          at(args.outer.addend, args.inner.addend),
          at(args.outer.residual, args.inner.residual),
          (args.outer.b != 0 ? i * inner_copies : 0) + (args.inner.b != 0 ? j : 0)};
}

// All but where B is.
GemmF32Block Job::block_at(const Product& at, size_t row, size_t column, size_t columns) const {
  const auto row_offset = static_cast<ptrdiff_t>(row);
  const auto column_offset = static_cast<ptrdiff_t>(column);
  GemmF32Block block;
  block.a = args.a;
  block.a.data += at.a + row_offset * args.a.row;
  block.depth = args.k;
  block.rows = std::min(cut.block, args.m - row);
  block.tile = cut.tile;
  block.columns = columns;
  block.out = args.out + at.out + row_offset * args.out_row + column_offset;
  block.out_row = args.out_row;
  GemmF32Epilogue& epilogue = block.epilogue = args.epilogue;
  if (epilogue.bias != nullptr) epilogue.bias += column;
  if (epilogue.addend != nullptr)
    epilogue.addend +=
        at.addend + row_offset * epilogue.addend_row + column_offset * epilogue.addend_column;
  if (epilogue.residual != nullptr)
    epilogue.residual += at.residual + row_offset * epilogue.residual_row + column_offset;
  return block;
}

void Job::run_panels(const Product& at, size_t row_block, size_t first, size_t count) const {
  const size_t column = first * table.panel;
  const size_t columns = std::min(count * table.panel, args.n - column);
  GemmF32Block block = block_at(at, row_block * cut.block, column, columns);
  const size_t units = column_units(args.format, args.k);
  block.format = args.format;
  block.packed = static_cast<const std::byte*>(packed) +
                 (args.packed_b != nullptr ? 0 : at.copy * packed_size * sizeof(float)) +
                 column * units * unit_bytes(args.format.form);
  block.panel_stride = table.panel * units;
  table.block(block);
}

void Job::run_direct(const Product& at, size_t index, size_t first, size_t count) const {
  const size_t column = first * table.panel;
  const size_t columns = std::min(count * table.panel, args.n - column);
  const size_t tail = columns % table.vector;
  MatrixF32 b = args.b;
  b.data += at.b + static_cast<ptrdiff_t>(column);
  if (columns > tail) {
    GemmF32Block block = block_at(at, 0, column, columns - tail);
    block.packed = b.data;
    block.panel_stride = table.panel;
    block.b_row = static_cast<size_t>(b.row);
    table.block(block);
  }
  if (tail == 0) return;
  float* rest = args.scratch + index * args.k * table.vector;
  b.data += columns - tail;
  table.pack_panel(b, args.k, tail, table.vector, rest);
  GemmF32Block block = block_at(at, 0, column + columns - tail, tail);
  block.packed = rest;
  table.block(block);
}

void Job::run(size_t begin, size_t end) const {
  while (begin < end) {
    const size_t first = begin % panels;
    const size_t row_block = begin / panels % cut.blocks;
    const size_t index = begin / (panels * cut.blocks);
    const Product at = product(index);
    size_t count = std::min(end - begin, panels - first);
    if (source == BSource::direct) {
      run_direct(at, index, first, count);
    } else {
      if (source == BSource::packs) {
        // A few panels at a time: they are still in the cache when they are used.
        count = std::min(count, kPanelsAtOnce);
        MatrixF32 b = args.b;
        b.data += at.b;
        pack_panels(table, b, args.k, args.n, first, first + count,
                    args.scratch + at.copy * packed_size);
      }
      run_panels(at, row_block, first, count);
    }
    begin += count;
  }
}

void pack_all(const Job& job, Parallel& parallel) {
  const GemmF32Args& args = job.args;
  const size_t batch = args.outer.count * args.inner.count;
  // Products that share a B have the same copy; the first of them packs it.
  const size_t grain =
      std::max<size_t>(1, kGrainWork / 4 / std::max<size_t>(1, args.k * job.table.panel));
  parallel.for_ranges(batch * job.panels, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const Product at = job.product(i / job.panels);
      const bool first = (args.outer.b != 0 || i / job.panels / args.inner.count == 0) &&
                         (args.inner.b != 0 || i / job.panels % args.inner.count == 0);
      if (!first) continue;
      MatrixF32 b = args.b;
      b.data += at.b;
      pack_panels(job.table, b, args.k, args.n, i % job.panels, i % job.panels + 1,
                  args.scratch + at.copy * job.packed_size);
    }
  });
}

void pack_halfs(const StoredWeights& b, size_t k, size_t first, size_t columns, size_t width,
                uint16_t* out) {
  const auto* in = static_cast<const uint16_t*>(b.data) + static_cast<ptrdiff_t>(first) * b.column;
  for (size_t i = 0; i < k; ++i)
    for (size_t c = 0; c < width; ++c)
      out[i * width + c] =
          c < columns ? in[static_cast<ptrdiff_t>(i) * b.row + static_cast<ptrdiff_t>(c) * b.column]
                      : 0;
}

void pack_codes(const GemmF32Table& table, const StoredWeights& b, WeightFormat format, size_t k,
                size_t first, size_t columns, size_t width, uint32_t* words) {
  const auto* in = static_cast<const int8_t*>(b.data) + static_cast<ptrdiff_t>(first) * b.column;
  std::fill_n(words, ceil_div(k, 8) * width, 0U);
  auto* bytes = reinterpret_cast<uint8_t*>(words);
  for (size_t i = 0; i < k; ++i)
    for (size_t c = 0; c < columns; ++c) {
      const int8_t code =
          in[static_cast<ptrdiff_t>(i) * b.row + static_cast<ptrdiff_t>(c) * b.column];
      const size_t first_word = i / 8 * width + c / table.vector * table.vector;
      const size_t nibble = first_word * 8 + table.code_place(i % 8, c % table.vector);
      bytes[nibble / 2] |= static_cast<uint8_t>((code & 0xF) << (nibble % 2 * 4));
    }
  auto* scales = reinterpret_cast<float*>(words + ceil_div(k, 8) * width);
  const float* from = b.scales + static_cast<ptrdiff_t>(first) * b.scale_column;
  for (size_t g = 0; g < ceil_div(k, format.group); ++g)
    for (size_t c = 0; c < width; ++c)
      scales[g * width + c] = c < columns ? from[static_cast<ptrdiff_t>(g) * b.scale_row +
                                                 static_cast<ptrdiff_t>(c) * b.scale_column]
                                          : 0.0F;
}

}  // namespace

size_t gemm_f32_packed_size(const GemmF32Table& table, size_t k, size_t n) {
  // Panels after the first start at a multiple of 64 bytes for any K.
  return n == 0 ? 0 : (n / table.panel * table.panel + panel_width(table, n % table.panel)) * k;
}

size_t gemm_f32_packed_bytes(const GemmF32Table& table, WeightFormat format, size_t k, size_t n) {
  const size_t columns = gemm_f32_packed_size(table, 1, n);
  return columns * column_units(format, k) * unit_bytes(format.form);
}

void gemm_f32_pack_stored(const GemmF32Table& table, WeightFormat format, const StoredWeights& b,
                          size_t k, size_t n, std::byte* packed) {
  const size_t units = column_units(format, k);
  for (size_t first = 0; first < n; first += table.panel) {
    const size_t columns = std::min(table.panel, n - first);
    const size_t width = panel_width(table, columns);
    std::byte* panel = packed + first * units * unit_bytes(format.form);
    if (format.form == WeightForm::f16)
      pack_halfs(b, k, first, columns, width, reinterpret_cast<uint16_t*>(panel));
    else
      pack_codes(table, b, format, k, first, columns, width, reinterpret_cast<uint32_t*>(panel));
  }
}

void gemm_f32_pack(const GemmF32Table& table, const MatrixF32& b, size_t k, size_t n, float* packed,
                   Parallel& parallel) {
  const size_t grain = std::max<size_t>(1, kGrainWork / 4 / std::max<size_t>(1, k * table.panel));
  parallel.for_ranges(ceil_div(n, table.panel), grain, [&](size_t begin, size_t end) {
    pack_panels(table, b, k, n, begin, end, packed);
  });
}

size_t gemm_f32_scratch_size(const GemmF32Table& table, const GemmF32Args& args) {
  if (args.packed_b != nullptr) return 0;
  if (reads_directly(table, args))
    return args.n % table.vector == 0 ? 0
                                      : args.k * table.vector * args.outer.count * args.inner.count;
  const size_t size = gemm_f32_packed_size(table, args.k, args.n);
  return ceil_div(size, 16) * 16 * copies(args);
}

void gemm_f32(const GemmF32Table& table, const GemmF32Args& args, Parallel& parallel) {
  const size_t batch = args.outer.count * args.inner.count;
  if (args.m == 0 || args.n == 0 || batch == 0) return;
  assert(args.scratch != nullptr || gemm_f32_scratch_size(table, args) == 0);
  const size_t panels = ceil_div(args.n, table.panel);
  const bool direct = reads_directly(table, args);
  const size_t chunks = parallel.width() > 1 ? kChunksPerThread * parallel.width() : 1;
  // Rows are cut for threads only where products and panels are too few.
  const size_t parts = ceil_div(chunks, std::min(chunks, batch * panels));
  Job job{table,
          args,
          direct ? RowCut{ceil_div(args.m, ceil_div(args.m, table.tile_rows)), args.m, 1}
                 : cut_rows(table, args, parts),
          panels,
          ceil_div(gemm_f32_packed_size(table, args.k, args.n), 16) * 16,
          args.packed_b != nullptr ? args.packed_b : static_cast<const void*>(args.scratch),
          direct ? BSource::direct : BSource::packed};
  if (args.packed_b == nullptr && !direct) {
    if (job.cut.blocks == 1 && copies(args) == batch)
      job.source = BSource::packs;
    else
      pack_all(job, parallel);
  }
  const size_t work = std::max<size_t>(1, args.k * table.panel * job.cut.block);
  parallel.for_ranges(batch * job.cut.blocks * panels, std::max<size_t>(1, kGrainWork / work),
                      [&](size_t begin, size_t end) { job.run(begin, end); });
}

}  // namespace octet::kernels
