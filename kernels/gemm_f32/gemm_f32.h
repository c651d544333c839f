#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/activation.h"
#include "kernels/dispatch.h"
#include "kernels/parallel.h"

// out[M,N] = activation(alpha * A[M,K] B[K,N] + bias[N] + beta * addend[M,N]) + residual[M,N].
//
// Each output is one chain of fused multiply-adds over k = 0 .. K-1, whatever the instruction set,
// M, the packing and the split over threads: results are bit-identical everywhere.

namespace octet::kernels {

/// What happens to a finished sum, in this order: fma(alpha, sum, bias[n]); fma(beta, addend[m,n],
/// .); the activation; + residual[m,n]. A null pointer leaves its step out (no bias adds +0).
/// Strides count elements; a column stride is 0 (one value for the row) or 1.
/// `addend` and `residual` may be the output itself.
struct GemmF32Epilogue {
  float alpha = 1.0F;
  const float* bias = nullptr;
  float beta = 1.0F;
  const float* addend = nullptr;
  ptrdiff_t addend_row = 0;
  ptrdiff_t addend_column = 1;
  Activation activation = {};
  const float* residual = nullptr;
  ptrdiff_t residual_row = 0;
};

/// A matrix in memory: element (i, j) is at data[i * row + j * column].
struct MatrixF32 {
  const float* data = nullptr;
  ptrdiff_t row = 0;
  ptrdiff_t column = 1;
};

/// How the elements of a packed B are stored. A product gives the same bits as with these elements
/// widened to float beforehand; of the wide ones at most a panel is in memory.
enum class WeightForm : uint8_t {
  f32,
  f16,  ///< IEEE binary16.
  /// float(code) * scale, codes in [-8, 7], one scale a group of rows and column: positive, below
  /// kCodeScaleLimit.
  s4,
};

/// Sixteen times a scale must be a finite float.
constexpr float kCodeScaleLimit = 0x1p120F;

/// What tells one packed B from another.
struct WeightFormat {
  WeightForm form = WeightForm::f32;
  size_t group = 0;  ///< Of s4: rows that share a scale; a multiple of 8.
};

/// A part of a product that one call of a variant computes: whole panels of columns, any rows.
struct GemmF32Block {
  /// A, row r of the block at a.data + r * a.row. Unused when `pointers` is set.
  MatrixF32 a;
  /// Indirect A: tap t of row r of tile i is at pointers[(i * taps + t) * tile + r], `depth` floats
  /// `a.column` apart. K is taps * depth. Only with a B of floats.
  const float* const* pointers = nullptr;
  /// When set, tap t multiplies rows [tap_index[t] * depth, + depth) of B, in place of t * depth.
  const uint32_t* tap_index = nullptr;
  size_t taps = 1;
  size_t depth = 0;
  size_t rows = 0;
  /// Rows of a register tile, at most the variant's `tile_rows`; the last may be shorter.
  size_t tile = 0;
  /// Columns, from the first of panel 0 of this block; only the last panel may be narrow.
  size_t columns = 0;
  WeightFormat format = {};
  /// Panel p starts p * panel_stride units after `packed`: floats, halfs, or 32-bit words of s4.
  const void* packed = nullptr;
  size_t panel_stride = 0;
  /// When set, B isn't packed: its rows are this far apart, `panel_stride` is the width of a panel
  /// and `columns` a multiple of `vector`.
  size_t b_row = 0;
  float* out = nullptr;
  ptrdiff_t out_row = 0;
  /// Its pointers are those of the block's first row and column.
  GemmF32Epilogue epilogue;
};

/// An instruction set's row. A packed B is panels of `panel` columns, [K][panel] each; the last is
/// as wide as its columns rounded up to `vector`, padded with zeros. A panel of s4 is 32-bit words
/// [ceil(K / 8)][panel], then float scales [ceil(K / group)][panel]. The words of `vector` columns
/// of a row hold 8 rows of codes in the order of `code_place`.
struct GemmF32Table {
  size_t panel;
  size_t vector;
  size_t tile_rows;
  void (*block)(const GemmF32Block& block);
  /// out[k * width + c] = B(k, c) for c < columns, 0 for columns <= c < width.
  void (*pack_panel)(const MatrixF32& b, size_t depth, size_t columns, size_t width, float* out);
  /// The nibble (lower ones first) of row j < 8 and column c < vector in the words of so many.
  size_t (*code_place)(size_t j, size_t c);
};

using GemmF32Variant = Variant<GemmF32Table>;

std::span<const GemmF32Variant> gemm_f32_variants();
const GemmF32Variant& select_gemm_f32(CpuToken token);

/// Floats that a packed B[K,N] takes. Packed buffers are 64-byte aligned.
size_t gemm_f32_packed_size(const GemmF32Table& table, size_t k, size_t n);

/// The same for any format, in bytes.
size_t gemm_f32_packed_bytes(const GemmF32Table& table, WeightFormat format, size_t k, size_t n);

/// Elements of B in memory as its file has them: element (i, j) is at data[i * row + j * column].
struct StoredWeights {
  const void* data = nullptr;  ///< Half, or int8_t codes of s4.
  ptrdiff_t row = 0;
  ptrdiff_t column = 1;
  /// Of s4: the scale of (i, j) is at scales[i / group * scale_row + j * scale_column].
  const float* scales = nullptr;
  ptrdiff_t scale_row = 0;
  ptrdiff_t scale_column = 1;
};

/// Packs B[K,N] of halfs or 4-bit codes.
void gemm_f32_pack_stored(const GemmF32Table& table, WeightFormat format, const StoredWeights& b,
                          size_t k, size_t n, std::byte* packed);

/// Packs B[K,N], read by its strides (row 1, column K for a weight stored [N,K]).
void gemm_f32_pack(const GemmF32Table& table, const MatrixF32& b, size_t k, size_t n, float* packed,
                   Parallel& parallel);

/// One level of a batch: `count` products whose operands are this far apart, in elements.
struct GemmF32Batch {
  size_t count = 1;
  ptrdiff_t a = 0;
  ptrdiff_t b = 0;
  ptrdiff_t out = 0;
  ptrdiff_t addend = 0;
  ptrdiff_t residual = 0;
};

struct GemmF32Args {
  size_t m = 0;
  size_t n = 0;
  size_t k = 0;
  MatrixF32 a;
  /// B packed by the same variant; when null, `b` is read, in part by way of `scratch`.
  const void* packed_b = nullptr;
  WeightFormat format = {};  ///< Of `packed_b`.
  MatrixF32 b;
  float* scratch = nullptr;
  float* out = nullptr;
  ptrdiff_t out_row = 0;
  GemmF32Epilogue epilogue;
  /// Two nested levels. A packed B serves every product of the batch (the b strides are unused).
  GemmF32Batch outer;
  GemmF32Batch inner;
};

/// Floats of 64-byte aligned scratch that `gemm_f32` needs; 0 when B is packed already. Fewer rows
/// never need more.
size_t gemm_f32_scratch_size(const GemmF32Table& table, const GemmF32Args& args);

void gemm_f32(const GemmF32Table& table, const GemmF32Args& args, Parallel& parallel);

}  // namespace octet::kernels
