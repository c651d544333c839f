#include "kernels/simd/neon.h"

#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes_neon.inl"
// After the lanes.
#include "kernels/simd/bytes_neon.inl"
// After both.
#include "kernels/quantize_linear/vector.inl"

}  // namespace

extern const QuantizeLinearTable quantize_linear_neon;
const QuantizeLinearTable quantize_linear_neon{quantize, dequantize, code_run,    requantize,
                                               range,    dynamic,    dynamic_rows};

}  // namespace octet::kernels
