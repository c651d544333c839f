#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

#include "kernels/gemm_s8/pack.inl"
#include "kernels/simd/dot512.inl"
#include "kernels/simd/lookup512.inl"
#include "kernels/simd/tiles.inl"
#include "kernels/simd/vec512.inl"
// After the vectors.
#include "kernels/simd/curve512.inl"
// After lookup_bytes.
#include "kernels/gemm_s8/epilogue.inl"

using Vec = Vec512;

using Dot = Dot512;

constexpr size_t kPanelVectors = 4;
constexpr size_t kDepth = kTileDepth;
constexpr size_t kNearWeights = size_t{3} << 18;
#include "kernels/gemm_s8/direct.inl"
#include "kernels/gemm_s8/vnni.inl"

// Fewer rows don't pay the way through tiles.
constexpr size_t kLeastRows = 4;

// What is left of each row past whole tiles, padded with zeros, where A is not copied as a whole:
// codes [M][kTileDepth] of the scratch.
bool copies_tails(const GemmS8Args& args) {
  return !copies_a(args) && args.m >= kLeastRows && args.k % kTileDepth != 0;
}

void prepare_rows(const GemmS8Args& args, size_t row_begin, size_t row_end) {
  prepare(args, row_begin, row_end);
  if (!copies_tails(args)) return;
  const size_t tail = args.k % kTileDepth;
  const __mmask64 mask = (uint64_t{1} << tail) - 1;
  auto* to = static_cast<uint8_t*>(args.scratch) + scratch_offset(args.m);
  for (size_t m = row_begin; m < row_end; ++m) {
    const uint8_t* from = static_cast<const uint8_t*>(args.a) + m * args.a_stride + args.k - tail;
    _mm512_storeu_si512(to + m * kTileDepth, _mm512_maskz_loadu_epi8(mask, from));
  }
}

// Two tiles of rows by a panel's tiles of columns, two at a time. `shaped`: the rows for which
// tiles are configured.
void multiply_block(const GemmS8Args& args, const Block& block, size_t& shaped, int32_t* acc) {
  if (block.rows < kLeastRows) return multiply_rows(block, round_up(args.k, 4) / 4, acc);
  if (shaped != block.rows) configure_tiles(block.rows);
  shaped = block.rows;
  TileRows rows{block.rows > kTileRows, block.a, block.a_stride, args.k / kTileDepth};
  if (copies_tails(args)) {
    rows.tail =
        static_cast<const uint8_t*>(args.scratch) + scratch_offset(args.m) + block.row * kTileDepth;
    rows.tail_stride = kTileDepth;
  } else if (args.k % kTileDepth != 0) {
    rows.tail = block.a + rows.steps * kTileDepth;
    rows.tail_stride = block.a_stride;
  }
  for (size_t v = 0; v < block.vectors; v += 2)
    multiply_tiles(rows, v + 1 < block.vectors, {block.panel + v * 64, block.vectors * 64, 64},
                   acc + v * kTileColumns, kPanel);
}

void tile(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
          size_t column_end) {
  size_t shaped = 0;
  tile_by<2 * kTileRows>(
      args, row_begin, row_end, column_begin, column_end,
      [&](const Block& block, int32_t* acc) { multiply_block(args, block, shaped, acc); });
  if (shaped != 0) _tile_release();
}

}  // namespace

extern const GemmS8Table gemm_s8_amx;
const GemmS8Table gemm_s8_amx = {2 * kTileRows, kPanel, packed_bytes, pack,    scratch_bytes,
                                 prepare_rows,  tile,   direct,       nullptr, 0};

}  // namespace octet::kernels
