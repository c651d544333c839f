#pragma once

#include <optional>
#include <vector>

#include "engine/ir/small_vector.h"
#include "engine/ops/epilogue.h"
#include "engine/ops/op.h"

namespace octet::ops {

/// What a MatMul or Gemm node asks for: activation(alpha * A B + beta * addend + residual).
struct ProductSpec {
  bool transpose_a = false;
  bool transpose_b = false;
  float alpha = 1.0F;
  float beta = 1.0F;
  Epilogue epilogue;
  std::optional<size_t> addend;    ///< Index of the bias or C input.
  std::optional<size_t> residual;  ///< Index of the residual input.
};
ProductSpec product_spec(const Node& node);

/// The type-level rule of NumPy's matmul (ranks from 1). Nothing when a rank is unknown.
Result<std::optional<Shape>> product_output_shape(const std::optional<Shape>& a,
                                                  const std::optional<Shape>& b, bool transpose_a,
                                                  bool transpose_b);

/// One axis of a batch of products: how far apart operands are, in elements; 0 where an operand is
/// the same for all.
struct BatchAxis {
  int64_t count = 1;
  int64_t a = 0;
  int64_t b = 0;
  int64_t out = 0;
};

/// A product with all dims known. Element (i, j) of A is at i * a_row + j * a_column.
struct ProductShape {
  int64_t m = 1;
  int64_t n = 1;
  int64_t k = 1;
  int64_t a_row = 0, a_column = 0;
  int64_t b_row = 0, b_column = 0;
  /// Outermost first; empty for one product. Dense axes are merged.
  SmallVector<BatchAxis, 4> batch;
  int64_t batch_count() const;
  /// Where product `index` of the batch begins in A, B and the output (`count` means nothing).
  BatchAxis offsets(int64_t index) const;
};
/// NumPy's matmul of these dims (ranks from 1), which must fit. Where B is one matrix for all of a
/// batch, the batch is folded into the rows.
ProductShape product_shape(const Dims& a, const Dims& b, bool transpose_a, bool transpose_b);

/// Strides of an addend of dims `c` that broadcasts to [m, n] rows.
struct AddendStrides {
  int64_t row = 0;
  int64_t column = 0;
};
AddendStrides addend_strides(const Dims& c);

/// Whether input `i` is a constant of one matrix (leading axes of 1), and its extents.
struct MatrixExtents {
  int64_t rows = 0;
  int64_t columns = 0;
};
std::optional<MatrixExtents> constant_matrix(const LowerContext& context, size_t i);

/// Implementation rows that MatMul and Gemm share.
std::optional<Ports> match_product_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_product_f32(const LowerContext& context);
Status run_product_reference(const Attrs& attrs, RunContext& context);

std::optional<Dim> product_macs(const Graph& graph, const Node& node);

}  // namespace octet::ops
