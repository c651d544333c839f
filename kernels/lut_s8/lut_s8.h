#pragma once

#include <span>

#include "kernels/code_curve.h"
#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace octet::kernels {

struct LutS8Table {
  /// Maps 8-bit codes through a table of 256 entries, indexed by the code's byte (an s8 code -1
  /// takes entry 255). `in` and `out` may be the same.
  void (*map)(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table,
              Parallel& parallel);
  /// The curve's codes at nearest_even(in), clamped to its arguments; NaN gives the first one.
  void (*curve)(const float* in, uint8_t* out, size_t count, const CodeCurve& curve, bool is_signed,
                Parallel& parallel);
};

const Variant<LutS8Table>& select_lut_s8(CpuToken token);
std::span<const Variant<LutS8Table>> lut_s8_variants();

}  // namespace octet::kernels
