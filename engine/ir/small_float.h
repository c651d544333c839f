#pragma once

#include <cstdint>

#include "engine/ir/dtype.h"

// The float8 types (OCP 8-bit floating point, revision 1.0, and their forms without infinity and
// negative zero), E8M0 and E2M1 (OCP microscaling formats, revision 1.0). They are only stored:
// arithmetic is done in float.

namespace octet {

/// The value of an element; exact. `type` is one of dtype_is_small_float.
float small_float_value(DType type, uint8_t bits);

/// How values between two powers of two become E8M0.
enum class PowerRounding : uint8_t { up, down, nearest };  ///< nearest: ties go up.

/// The nearest element, ties to even; E8M0 by `rounding`. Past the largest finite one: that one
/// where `saturate`, else infinity where the type has it, else NaN. float4 has neither: it
/// saturates always, and a NaN becomes -0, as in ONNX's own data.
uint8_t small_float_bits(DType type, double value, bool saturate,
                         PowerRounding rounding = PowerRounding::up);

}  // namespace octet
