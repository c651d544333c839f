#pragma once

#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace octet::kernels {

/// One input over [rows, columns]. Strides are in elements: a tensor of the full shape has
/// {columns, 1}, a row that every row shares {0, 1}, one code a row {1, 0}, one code {0, 0}.
struct ElementwiseS8Input {
  const void* data = nullptr;
  bool is_signed = false;
  int32_t zero_point = 0;
  float multiplier = 1.0F;  // add, sub: own scale / output scale
  size_t row_stride = 0;
  size_t column_stride = 1;  // 0 or 1
};

/// With da = a - za and db = b - zb, in float, one rounding for each operation:
///   add: v = da * a.multiplier + db * b.multiplier
///   sub: v = da * a.multiplier - db * b.multiplier
///   mul: v = (da * db) * a.multiplier      (scale a * scale b / output scale; b's is not read)
/// and out = clamp(nearest_even(v) + zero_point, low, high). `out` is dense [rows, columns]; it may
/// be an input's own full-shape tensor.
struct ElementwiseS8Args {
  size_t rows = 1, columns = 0;
  ElementwiseS8Input a, b;
  void* out = nullptr;
  bool out_signed = false;
  int32_t zero_point = 0;
  int32_t low = 0, high = 255;
};

struct ElementwiseS8Table {
  void (*add)(const ElementwiseS8Args& args, Parallel& parallel);
  void (*sub)(const ElementwiseS8Args& args, Parallel& parallel);
  void (*mul)(const ElementwiseS8Args& args, Parallel& parallel);
};

const Variant<ElementwiseS8Table>& select_elementwise_s8(CpuToken token);
std::span<const Variant<ElementwiseS8Table>> elementwise_s8_variants();

}  // namespace octet::kernels
