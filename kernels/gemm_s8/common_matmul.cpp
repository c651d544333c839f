#include <algorithm>

#include "kernels/gemm_s8/matmul_s8.h"
#include "kernels/parallel.h"

namespace octet::kernels {
namespace {

// Multiply-adds below which another thread costs more than it saves; packing a code of B counts as
// kPackWork of them.
constexpr size_t kGrainWork = size_t{1} << 19;
constexpr size_t kPackWork = 16;

size_t aligned_bytes(size_t bytes) { return (bytes + 63) & ~size_t{63}; }

size_t output_bytes(GemmS8Output type) {
  return type == GemmS8Output::s32 || type == GemmS8Output::f32 ? 4 : 1;
}

// Rows of A below which packing B costs more than it saves.
constexpr size_t kDirectRows = 3;

bool runs_direct(const GemmS8Table& table, const MatMulS8Args& args) {
  const GemmS8Weights& b = args.b;
  return table.direct != nullptr && args.gemm.m < kDirectRows &&
         (b.row_stride == 1 || b.column_stride == 1) &&
         (b.zero_point == nullptr || b.zero_stride == 0);
}

void run_product(const GemmS8Table& table, const MatMulS8Args& args, size_t index,
                 Parallel& parallel) {
  const size_t packed = aligned_bytes(table.packed_bytes(args.b.k, args.b.n));
  const size_t rows = aligned_bytes(table.scratch_bytes(args.gemm.m, args.gemm.k));
  auto* scratch = static_cast<unsigned char*>(args.scratch) + index * (packed + rows);
  GemmS8Args gemm = args.gemm;
  gemm.a = static_cast<const unsigned char*>(args.a) + args.a_offset[index];
  gemm.c =
      static_cast<unsigned char*>(args.c) + args.c_offset[index] * output_bytes(gemm.epilogue.type);
  if (gemm.epilogue.residual != nullptr) gemm.epilogue.residual += args.c_offset[index];
  GemmS8Weights b = args.b;
  b.data = static_cast<const unsigned char*>(b.data) + args.b_offset[index];
  if (runs_direct(table, args)) {
    gemm.scratch = scratch;  // packed B would take more
    table.direct(gemm, b);
    return;
  }
  table.pack(b, scratch);
  gemm.packed = scratch;
  gemm.scratch = scratch + packed;
  gemm_s8(table, gemm, parallel);
}

}  // namespace

size_t matmul_s8_scratch_bytes(const GemmS8Table& table, size_t batch, size_t m, size_t n,
                               size_t k) {
  return batch *
         (aligned_bytes(table.packed_bytes(k, n)) + aligned_bytes(table.scratch_bytes(m, k)));
}

void matmul_s8(const GemmS8Table& table, const MatMulS8Args& args, Parallel& parallel) {
  if (args.batch < parallel.width()) {
    for (size_t i = 0; i < args.batch; ++i) run_product(table, args, i, parallel);
    return;
  }
  const size_t work = (args.gemm.m + kPackWork) * args.b.n * args.b.k;
  const size_t grain = std::max<size_t>(kGrainWork / std::max<size_t>(work, 1), 1);
  parallel.for_ranges(args.batch, grain, [&](size_t begin, size_t end) {
    SerialParallel serial;
    for (size_t i = begin; i < end; ++i) run_product(table, args, i, serial);
  });
}

}  // namespace octet::kernels
