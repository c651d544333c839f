#include <immintrin.h>

#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes512.inl"
#include "kernels/quantize_linear/lanes.inl"
// clang-format on

}  // namespace

extern const QuantizeLinearTable quantize_linear_avx512vnni;
const QuantizeLinearTable quantize_linear_avx512vnni{quantize, dequantize, requantize,
                                                     range,    dynamic,    dynamic_rows};

}  // namespace octet::kernels
