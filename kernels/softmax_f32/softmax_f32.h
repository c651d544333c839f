#pragma once

#include <cstddef>
#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/rounding.h"

// softmax(x) = exp(x - max) * (1 / sum(exp(x - max))), log-softmax(x) = (x - max) - log(sum).
// A row that holds NaN or +infinity, or nothing but -infinity, gives NaN, as the formula does.
// inner = 1: the sum has 16 lanes (element i goes to lane i mod 16) that are added as a fixed tree
// (8 apart, 4, 2, 1). inner > 1: the sum runs along the axis in order.
//
// Codes need less: they are those of exp(x - max) * (1 / (sum * scale)) with an exponential whose
// relative error is below 1e-4, so that no value lies further than 1/16 from what is rounded. It is
// the same on every instruction set (kernels/math/poly.h).

namespace octet::kernels {

/// x and y are [outer, axis, inner], contiguous; y may be x.
struct SoftmaxF32Args {
  const float* x = nullptr;
  float* y = nullptr;
  size_t outer = 1;
  size_t axis = 1;
  size_t inner = 1;
  bool logarithm = false;
};

/// Rows of scores, a stride apart, that become codes or probabilities; inner = 1.
struct SoftmaxCodesArgs {
  float* x = nullptr;
  size_t x_stride = 0;
  /// Null: none. Added to x first: element i of row r is addend[r * addend_stride + i *
  /// addend_step].
  const float* addend = nullptr;
  size_t addend_stride = 0;
  size_t addend_step = 1;  ///< 0: one for the whole row.
  uint8_t* y = nullptr;
  size_t y_stride = 0;
  size_t rows = 0;
  size_t axis = 0;
  CodeRounding rounding = {};
};

struct SoftmaxF32Table {
  /// One row, inner = 1.
  void (*row)(const float* x, float* y, size_t axis, bool logarithm);
  /// The softmax of rows in their place, the same bits as `row`'s without a logarithm; y and
  /// rounding aren't used.
  void (*rows)(const SoftmaxCodesArgs& args);
  /// Columns [0, columns) of one outer index; elements of a column are `inner` apart.
  void (*columns)(const float* x, float* y, size_t axis, size_t inner, size_t columns,
                  bool logarithm);
  /// The 8-bit codes of rows' softmax, by the rougher exponential and one factor a row. NaN gives
  /// the zero point. Leaves x undefined.
  void (*codes)(const SoftmaxCodesArgs& args);
  /// x[i] = value where mask[i] isn't 0.
  void (*fill)(float* x, const uint8_t* mask, float value, size_t count);
};

using SoftmaxF32Variant = Variant<SoftmaxF32Table>;

std::span<const SoftmaxF32Variant> softmax_f32_variants();
const SoftmaxF32Variant& select_softmax_f32(CpuToken token);

void softmax_f32(const SoftmaxF32Table& table, const SoftmaxF32Args& args, Parallel& parallel);

}  // namespace octet::kernels
