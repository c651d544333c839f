#pragma once

#include <cstddef>
#include <span>

#include "kernels/dispatch.h"

// One row times a matrix that is read once, where packing it would cost more than the product.

namespace octet::kernels {

/// y[c] = alpha * sum of a[k] b[k][c] for k < depth, c < columns. Each sum is one chain of fused
/// multiply-adds in the order of k: gemm_f32's bits.
struct RowF32Args {
  const float* a = nullptr;
  ptrdiff_t a_step = 1;  ///< Floats between elements of a,
  const float* b = nullptr;
  ptrdiff_t b_row = 0;  ///< and between rows of b.
  size_t depth = 0;
  size_t columns = 0;
  float alpha = 1.0F;
  float* y = nullptr;
};

struct RowF32Table {
  void (*multiply)(const RowF32Args& args);
};

using RowF32Variant = Variant<RowF32Table>;

std::span<const RowF32Variant> row_f32_variants();
const RowF32Variant& select_row_f32(CpuToken token);

}  // namespace octet::kernels
