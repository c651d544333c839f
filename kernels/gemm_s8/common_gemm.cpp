#include <algorithm>
#include <cassert>

#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/parallel.h"

namespace octet::kernels {
namespace {

// Multiply-adds below which another thread costs more than it saves.
constexpr size_t kGrainMacs = size_t{1} << 19;
// Those that one thread is through with before anybody would ask it to stop.
constexpr size_t kSoonDoneMacs = size_t{1} << 22;
// Rows of A that share one pass over B: on one thread, more where they stay in its first cache.
constexpr size_t kRowsPerTask = 96, kRowBytesPerTask = size_t{32} << 10;

size_t tiles_of(size_t count, size_t block) { return (count + block - 1) / block; }

// A narrow rest joins the block before it.
size_t column_tasks_of(size_t n, size_t block) {
  const size_t rest = n % block;
  return rest != 0 && rest <= block / 4 ? std::max<size_t>(n / block, 1) : tiles_of(n, block);
}

bool fits_4bit(const GemmS8Weights& weights) {
  const auto* codes = static_cast<const uint8_t*>(weights.data);
  const uint8_t shift = weights.is_unsigned ? 0 : 8;
  for (size_t k = 0; k < weights.k; ++k)
    for (size_t n = 0; n < weights.n; ++n) {
      const uint8_t code = codes[k * weights.row_stride + n * weights.column_stride];
      if (static_cast<uint8_t>(code + shift) > 15) return false;
    }
  return weights.k > 0 && weights.n > 0;
}

}  // namespace

const GemmS8Table& gemm_s8_packing(const GemmS8Table& table, const GemmS8Weights& weights) {
  return table.four_bits != nullptr && weights.k * weights.n >= table.four_bits_from &&
                 fits_4bit(weights)
             ? *table.four_bits
             : table;
}

void gemm_s8(const GemmS8Table& table, const GemmS8Args& args, Parallel& parallel) {
  assert(args.k <= kGemmS8MaxK);
  assert(args.epilogue.type == GemmS8Output::s32 || args.epilogue.multiplier != nullptr);
  if (args.m == 0 || args.n == 0) return;
  const size_t k = std::max<size_t>(args.k, 1);
  const size_t whole = parallel.width() == 1 ? kSoonDoneMacs : kGrainMacs;
  if (args.m <= kRowsPerTask && args.m * args.n * k <= whole) {
    table.prepare(args, 0, args.m);
    return table.tile(args, 0, args.m, 0, args.n);
  }
  const size_t row_block = table.row_block, column_block = table.column_block;
  const size_t row_blocks = tiles_of(args.m, row_block);
  parallel.for_ranges(row_blocks, std::max<size_t>(kGrainMacs / (k * row_block), 1),
                      [&](size_t begin, size_t end) {
                        table.prepare(args, begin * row_block, std::min(end * row_block, args.m));
                      });
  // Even groups of rows: a short last one would read B for little.
  const size_t most_rows =
      parallel.width() == 1 ? std::max(kRowsPerTask, kRowBytesPerTask / k) : kRowsPerTask;
  const size_t rows_per_task =
      tiles_of(tiles_of(args.m, tiles_of(args.m, most_rows)), row_block) * row_block;
  const size_t row_tasks = tiles_of(args.m, rows_per_task);
  const size_t column_tasks = column_tasks_of(args.n, column_block);
  // Column blocks of one group of rows stand next to each other, so a range keeps its rows.
  const size_t grain = kGrainMacs / (k * std::min(rows_per_task, args.m) * column_block);
  parallel.for_ranges(
      row_tasks * column_tasks, std::max<size_t>(grain, 1), [&](size_t begin, size_t end) {
        while (begin < end) {
          const size_t row = begin / column_tasks, column = begin % column_tasks;
          const size_t columns = std::min(end - begin, column_tasks - column);
          table.tile(args, row * rows_per_task, std::min((row + 1) * rows_per_task, args.m),
                     column * column_block,
                     column + columns == column_tasks ? args.n : (column + columns) * column_block);
          begin += columns;
        }
      });
}

}  // namespace octet::kernels
