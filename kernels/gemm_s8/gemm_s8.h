#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/activation.h"
#include "kernels/code_curve.h"
#include "kernels/dispatch.h"

namespace octet {
class Parallel;
}

namespace octet::kernels {

/// The largest K whose exact sum fits int32 for any codes and zero points: K * 255 * 255 < 2^31.
constexpr size_t kGemmS8MaxK = 33025;

/// B[K, N] before packing: element (k, n) is at data[k * row_stride + n * column_stride].
struct GemmS8Weights {
  const void* data = nullptr;  // int8_t, or uint8_t when is_unsigned
  bool is_unsigned = false;
  size_t k = 0, n = 0;
  size_t row_stride = 0, column_stride = 1;
  /// Per column, or one value when zero_stride is 0; null: 0. In the range of the data's type.
  const int32_t* zero_point = nullptr;
  size_t zero_stride = 0;
};

enum class GemmS8Output : uint8_t { s32, u8, s8, f32 };

/// What happens to an exact sum acc = sum over k of (A - za)(B - zb):
///   s32: acc + bias
///   u8, s8: nearest_even(fma(float(acc + bias), multiplier, bias_f32)) + zero_point, clamped to
///        [low, high], then lookup
///   f32: v = fma(float(acc + bias), multiplier * row_scale, bias_f32) (+ addend) (+ residual),
///        clamped to [low_f32, high_f32]; with an activation, or a residual that follows it, in
///        place of the clamp: activation(v) (+ residual)
///   u8, s8 with a code_scale: the code of such a v: nearest_even(v / code_scale) + zero_point,
///        clamped to [low, high]; NaN gives the zero point. No lookup follows.
///   u8, s8 with a curve: the curve's code at nearest_even(fma(float(acc + bias), multiplier,
///        bias_f32)), clamped to the curve's arguments; NaN gives the first one.
/// Each sum and product is rounded. acc + bias must fit int32 (it wraps otherwise).
struct GemmS8Epilogue {
  GemmS8Output type = GemmS8Output::s32;
  const int32_t* bias = nullptr;      // [N], null: 0
  const float* multiplier = nullptr;  // [N], or one value when multiplier_stride is 0; not for s32
  size_t multiplier_stride = 1;
  // u8 and s8
  int32_t zero_point = 0;
  int32_t low = 0, high = 255;       // within the type's range
  const uint8_t* lookup = nullptr;   // [256], indexed by the code's byte; null: none
  const CodeCurve* curve = nullptr;  // in place of zero_point, low, high and lookup; null: none
  // u8, s8 (in steps of the output, but for a code_scale) and f32
  const float* bias_f32 = nullptr;  // [N], null: 0
  // f32, and u8 or s8 with a code_scale
  const float* row_scale = nullptr;  // [M], null: 1
  const float* addend = nullptr;     // [N], null: none
  const float* residual = nullptr;   // [M, N] with residual_stride, null: none; may be C itself
  size_t residual_stride = 0;
  bool residual_last = false;  // added after the activation
  Activation activation = {};
  float code_scale = 0.0F;  // 0: codes come of the multiplier alone
  float low_f32 = -__builtin_inff(), high_f32 = __builtin_inff();
};

/// Whether floats are finished by more than a clamp.
inline bool finishes_floats(const GemmS8Epilogue& e) {
  return e.activation.kind != ActivationKind::none || e.residual_last || e.code_scale > 0.0F;
}

/// Whether floats that aren't finished are held within bounds: NaN stays where they aren't.
inline bool clamps_floats(const GemmS8Epilogue& e) {
  return e.low_f32 > -__builtin_inff() || e.high_f32 < __builtin_inff();
}

/// C[M, N] = epilogue(A[M, K] B[K, N]).
struct GemmS8Args {
  size_t m = 0, n = 0, k = 0;  // k <= kGemmS8MaxK; 0 gives sums of 0
  const void* a = nullptr;     // uint8_t, or int8_t when a_signed; rows a_stride elements apart
  bool a_signed = false;
  size_t a_stride = 0;
  bool a_padded = false;                // rows of codes go on with zeros up to a multiple of 4
  int32_t a_zero = 0;                   // in the range of A's type
  const int32_t* a_row_zero = nullptr;  // [M], in place of a_zero; null: none
  const void* packed = nullptr;         // from the same variant's pack
  void* c = nullptr;                    // rows c_stride elements apart
  size_t c_stride = 0;
  GemmS8Epilogue epilogue;
  void* scratch = nullptr;  // gemm_s8_scratch_bytes, 64-byte aligned
};

/// One instruction set's parts; callers use the functions below.
struct GemmS8Table {
  /// Tiles begin at their multiples. Up to a quarter of a block of columns that remains belongs to
  /// the tile before.
  size_t row_block, column_block;
  /// 64-byte aligned, private to the variant; serves every M.
  size_t (*packed_bytes)(size_t k, size_t n);
  void (*pack)(const GemmS8Weights& weights, void* packed);
  size_t (*scratch_bytes)(size_t m, size_t k);
  /// Fills the scratch for these rows.
  void (*prepare)(const GemmS8Args& args, size_t row_begin, size_t row_end);
  void (*tile)(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
               size_t column_end);
  /// All of C for few rows, from B as it lies: row_stride or column_stride is 1, one zero point for
  /// all columns. `args.scratch` has 2 * K + 32 bytes, `args.packed` is not read. Null: not there.
  void (*direct)(const GemmS8Args& args, const GemmS8Weights& b);
  /// The same product for weights whose codes fit 4 bits, packed to half the size. Null: not there.
  const GemmS8Table* four_bits;
  /// Codes of B from which that is worth its unpacking: those that stay in a cache may be no
  /// faster.
  size_t four_bits_from;
};

std::span<const Variant<GemmS8Table>> gemm_s8_variants();
const Variant<GemmS8Table>& select_gemm_s8(CpuToken token);

/// The table that packs these weights best: `four_bits` where there are at least `four_bits_from`
/// codes, all of them from -8 to 7, or from 0 to 15 when they are unsigned; else `table`.
const GemmS8Table& gemm_s8_packing(const GemmS8Table& table, const GemmS8Weights& weights);

inline size_t gemm_s8_packed_bytes(const GemmS8Table& table, size_t k, size_t n) {
  return table.packed_bytes(k, n);
}
/// Packs B once, column sums included. `packed` has gemm_s8_packed_bytes, 64-byte aligned.
inline void gemm_s8_pack(const GemmS8Table& table, const GemmS8Weights& weights, void* packed) {
  table.pack(weights, packed);
}
inline size_t gemm_s8_scratch_bytes(const GemmS8Table& table, size_t m, size_t k) {
  return table.scratch_bytes(m, k);
}
/// Runs over tiles on `parallel`; the result is the same for every split and instruction set.
void gemm_s8(const GemmS8Table& table, const GemmS8Args& args, Parallel& parallel);

}  // namespace octet::kernels
