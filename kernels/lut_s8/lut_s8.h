#pragma once

#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace octet::kernels {

/// Maps 8-bit codes through a table of 256 entries, indexed by the code's byte (an s8 code -1 takes
/// entry 255). `in` and `out` may be the same.
struct LutS8Table {
  void (*map)(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table,
              Parallel& parallel);
};

const Variant<LutS8Table>& select_lut_s8(CpuToken token);
std::span<const Variant<LutS8Table>> lut_s8_variants();

}  // namespace octet::kernels
