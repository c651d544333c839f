#include "engine/ops/common/row_product.h"

#include <algorithm>

namespace octet::ops {

using namespace kernels;

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

RowProduct::RowProduct(CpuToken cpu) : quantize_(*select_quantize_linear(cpu).table) {}

// Few rows are one block, whose product spreads over columns; many spread by blocks.
RowProduct::Blocks RowProduct::blocks_of(const GemmS8Table& gemm, size_t m, size_t width) {
  constexpr size_t kRows = 96;
  if (m <= kRows) return {m, 1, 1};
  const size_t least = (m + kRows - 1) / kRows;
  const size_t slots = std::min(width, least);
  const size_t even = (least + slots - 1) / slots * slots;
  const size_t step = gemm.row_block;
  const size_t rows = ((m + even - 1) / even + step - 1) / step * step;
  return {rows, (m + rows - 1) / rows, slots};
}

// The codes of a block, and what its product needs.
size_t RowProduct::block_bytes(const GemmS8Table& gemm, size_t rows, size_t k) {
  return aligned(rows * k) + aligned(gemm_s8_scratch_bytes(gemm, rows, k));
}

size_t RowProduct::scratch_bytes(const GemmS8Table& gemm, size_t m, size_t k, size_t width) const {
  const Blocks blocks = blocks_of(gemm, m, width);
  return 2 * aligned(m * sizeof(float)) + blocks.slots * block_bytes(gemm, blocks.rows, k);
}

void RowProduct::run(const GemmS8Table& gemm, const GemmS8Args& args, std::byte* scratch,
                     Parallel& parallel) const {
  const size_t parameter_bytes = aligned(args.m * sizeof(float));
  const Parameters rows{reinterpret_cast<float*>(scratch),
                        reinterpret_cast<int32_t*>(scratch + parameter_bytes)};
  scratch += 2 * parameter_bytes;
  const Blocks blocks = blocks_of(gemm, args.m, parallel.width());
  if (blocks.count <= 1) return multiply(gemm, args, 0, args.m, rows, scratch, parallel);
  parallel.for_ranges(blocks.slots, 1, [&](size_t first, size_t last) {
    SerialParallel serial;
    for (size_t slot = first; slot < last; ++slot)
      for (size_t block = slot; block < blocks.count; block += blocks.slots) {
        const size_t begin = block * blocks.rows;
        multiply(gemm, args, begin, std::min(blocks.rows, args.m - begin), rows,
                 scratch + slot * block_bytes(gemm, blocks.rows, args.k), serial);
      }
  });
}

// Rows [begin, begin + count) of A.
void RowProduct::multiply(const GemmS8Table& gemm, const GemmS8Args& all, size_t begin,
                          size_t count, Parameters rows, std::byte* scratch,
                          Parallel& parallel) const {
  quantize_.dynamic_rows({.in = static_cast<const float*>(all.a) + begin * all.k,
                          .rows = count,
                          .columns = all.k,
                          .out = scratch,
                          .scale = rows.scale + begin,
                          .zero_point = rows.zero_point + begin},
                         parallel);
  GemmS8Args args = all;
  args.m = count;
  args.a = scratch;
  args.a_signed = false;
  args.a_row_zero = rows.zero_point + begin;
  args.c = static_cast<float*>(all.c) + begin * all.c_stride;
  args.epilogue.row_scale = rows.scale + begin;
  if (args.epilogue.residual != nullptr)
    args.epilogue.residual += begin * args.epilogue.residual_stride;
  args.scratch = scratch + aligned(count * all.k);
  gemm_s8(gemm, args, parallel);
}

RowCodes::RowCodes(const TensorView& a) : codes(static_cast<size_t>(a.count())) {
  size_t rows = 1;
  for (size_t i = 0; i + 1 < a.rank(); ++i) rows *= static_cast<size_t>(a.dims[i]);
  scale.resize(rows);
  zero_point.resize(rows);
  SerialParallel serial;
  select_quantize_linear(CpuToken::scalar())
      .table->dynamic_rows({.in = a.as<float>(),
                            .rows = rows,
                            .columns = static_cast<size_t>(a.dims.back()),
                            .out = codes.data(),
                            .scale = scale.data(),
                            .zero_point = zero_point.data()},
                           serial);
}

}  // namespace octet::ops
