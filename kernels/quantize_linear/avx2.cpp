#include <immintrin.h>

#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes256.inl"
#include "kernels/quantize_linear/lanes.inl"
// clang-format on

}  // namespace

extern const QuantizeLinearTable quantize_linear_avx2;
const QuantizeLinearTable quantize_linear_avx2{quantize, dequantize, requantize,
                                               range,    dynamic,    dynamic_rows};

}  // namespace octet::kernels
