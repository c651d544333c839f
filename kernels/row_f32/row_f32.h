#pragma once

#include <cstddef>
#include <span>

#include "kernels/dispatch.h"

// A few rows times a matrix that is read as it lies, where packing it would cost more than the
// product.

namespace octet::kernels {

/// y[r][c] = alpha * sum of a[r][k] b(r)[k][c] for r < rows, k < depth, c < columns, where b(r) is
/// the same for all rows or `b_next` behind the row before's. Each sum is one chain of fused
/// multiply-adds in the order of k: gemm_f32's bits. Distances are in floats.
struct RowF32Args {
  const float* a = nullptr;
  ptrdiff_t a_row = 0;
  ptrdiff_t a_step = 1;  ///< Between elements of a row.
  const float* b = nullptr;
  ptrdiff_t b_row = 0;
  ptrdiff_t b_next = 0;
  size_t rows = 1;
  size_t depth = 0;
  size_t columns = 0;
  float alpha = 1.0F;
  float* y = nullptr;
  ptrdiff_t y_row = 0;
};

/// y[r] = softmax(alpha * a[r] b(r)) v(r) for r < scores.rows over at most kAttendedKeys columns of
/// b(r), whose own `y` isn't used: one query a head over few keys. v(r) [scores.columns, columns]
/// is `v_next` behind the row before's. The bits of `multiply`, softmax_f32's `row` and `multiply`.
struct RowAttentionArgs {
  RowF32Args scores;
  const float* v = nullptr;
  ptrdiff_t v_row = 0;
  ptrdiff_t v_next = 0;
  size_t columns = 0;
  float* y = nullptr;
  ptrdiff_t y_row = 0;
};
inline constexpr size_t kAttendedKeys = 16;

/// An attention whose K and V, b(r) and v(r), are made first, one behind the other without gaps: of
/// keys that were kept and a new one, which is the last. At least one key.
struct RowCachesArgs {
  RowAttentionArgs attention;
  float* k = nullptr;             ///< attention.scores.b: [rows, depth, keys]
  const float* kept_k = nullptr;  ///< [rows, depth, keys - 1]
  const float* new_k = nullptr;   ///< [rows, depth]
  float* v = nullptr;             ///< attention.v: [rows, keys, columns]
  const float* kept_v = nullptr;  ///< [rows, keys - 1, columns]
  const float* new_v = nullptr;   ///< [rows, columns]
};

struct RowF32Table {
  void (*multiply)(const RowF32Args& args);
  void (*attend)(const RowAttentionArgs& args);
  /// The bits of `attend` over copies. Null where it would be slower than these.
  void (*attend_caches)(const RowCachesArgs& args);
};

using RowF32Variant = Variant<RowF32Table>;

std::span<const RowF32Variant> row_f32_variants();
const RowF32Variant& select_row_f32(CpuToken token);

}  // namespace octet::kernels
