#include <algorithm>

#include "kernels/gemm_s8/matmul_s8.h"
#include "kernels/parallel.h"

namespace octet::kernels {
namespace {

size_t aligned_bytes(size_t bytes) { return (bytes + 63) & ~size_t{63}; }

size_t output_bytes(GemmS8Output type) {
  return type == GemmS8Output::s32 || type == GemmS8Output::f32 ? 4 : 1;
}

// Packs B[index] into its part of the scratch and gives the product's arguments.
GemmS8Args product(const GemmS8Table& table, const MatMulS8Args& args, size_t index) {
  const size_t packed = aligned_bytes(table.packed_bytes(args.b.k, args.b.n));
  const size_t rows = aligned_bytes(table.scratch_bytes(args.gemm.m, args.gemm.k));
  auto* scratch = static_cast<unsigned char*>(args.scratch) + index * (packed + rows);
  GemmS8Args gemm = args.gemm;
  gemm.a = static_cast<const unsigned char*>(args.a) + args.a_offset[index];
  gemm.c =
      static_cast<unsigned char*>(args.c) + args.c_offset[index] * output_bytes(gemm.epilogue.type);
  if (gemm.epilogue.residual != nullptr) gemm.epilogue.residual += args.c_offset[index];
  gemm.packed = scratch;
  gemm.scratch = scratch + packed;
  GemmS8Weights b = args.b;
  b.data = static_cast<const unsigned char*>(b.data) + args.b_offset[index];
  table.pack(b, scratch);
  return gemm;
}

}  // namespace

size_t matmul_s8_scratch_bytes(const GemmS8Table& table, size_t batch, size_t m, size_t n,
                               size_t k) {
  return batch *
         (aligned_bytes(table.packed_bytes(k, n)) + aligned_bytes(table.scratch_bytes(m, k)));
}

void matmul_s8(const GemmS8Table& table, const MatMulS8Args& args, Parallel& parallel) {
  if (args.batch < parallel.width()) {
    for (size_t i = 0; i < args.batch; ++i) gemm_s8(table, product(table, args, i), parallel);
    return;
  }
  parallel.for_ranges(args.batch, 1, [&](size_t begin, size_t end) {
    SerialParallel serial;
    for (size_t i = begin; i < end; ++i) gemm_s8(table, product(table, args, i), serial);
  });
}

}  // namespace octet::kernels
