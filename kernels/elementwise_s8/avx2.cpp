#include <immintrin.h>

#include "kernels/elementwise_s8/elementwise_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes256.inl"
#include "kernels/elementwise_s8/lanes.inl"
// clang-format on

}  // namespace

extern const ElementwiseS8Table elementwise_s8_avx2;
const ElementwiseS8Table elementwise_s8_avx2{add_codes, sub_codes, mul_codes};

}  // namespace octet::kernels
