#include <immintrin.h>

#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes256.inl"
// After the lanes.
#include "kernels/quantize_linear/vector.inl"

}  // namespace

extern const QuantizeLinearTable quantize_linear_avx2;
const QuantizeLinearTable quantize_linear_avx2{quantize, dequantize, requantize,
                                               range,    dynamic,    dynamic_rows};

}  // namespace octet::kernels
