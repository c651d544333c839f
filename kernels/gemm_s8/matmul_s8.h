#pragma once

#include "kernels/gemm_s8/gemm_s8.h"

namespace octet::kernels {

/// Batched C[i] = epilogue(A[i] B[i]) where both sides are activations. `gemm` describes one
/// product; its a, packed, c and scratch are not read. The epilogue's per-row and per-column arrays
/// serve every product; a residual takes the offsets of C.
struct MatMulS8Args {
  GemmS8Args gemm;
  GemmS8Weights b;  // k, n, strides and zero point; data is the base of every product
  const void* a = nullptr;
  void* c = nullptr;
  size_t batch = 0;
  /// [batch], in elements from the base. Equal offsets are how a side broadcasts.
  const size_t* a_offset = nullptr;
  const size_t* b_offset = nullptr;
  const size_t* c_offset = nullptr;
  void* scratch = nullptr;  // matmul_s8_scratch_bytes, 64-byte aligned
};

size_t matmul_s8_scratch_bytes(const GemmS8Table& table, size_t batch, size_t m, size_t n,
                               size_t k);
void matmul_s8(const GemmS8Table& table, const MatMulS8Args& args, Parallel& parallel);

}  // namespace octet::kernels
