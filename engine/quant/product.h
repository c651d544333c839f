#pragma once

#include <cstddef>

#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::quant {

/// out[m, n] (rows `out_row` apart) = alpha * A[m, k] B[k, n] + addend[m, n] (null for none; may be
/// `out`, with its rows), on the fastest kernel of this machine; the same bits on every one.
struct ProductArgs {
  size_t m = 0;
  size_t n = 0;
  size_t k = 0;
  kernels::MatrixF32 a;
  kernels::MatrixF32 b;
  float* out = nullptr;
  size_t out_row = 0;
  float alpha = 1.0F;
  const float* addend = nullptr;
  Parallel* parallel = nullptr;  ///< Null: on the caller's thread. The bits are the same.
};
void multiply(const ProductArgs& args);

}  // namespace octet::quant
