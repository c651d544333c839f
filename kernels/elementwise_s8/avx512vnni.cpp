#include <immintrin.h>

#include "kernels/elementwise_s8/elementwise_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes512.inl"
#include "kernels/elementwise_s8/lanes.inl"
// clang-format on

}  // namespace

extern const ElementwiseS8Table elementwise_s8_avx512vnni;
const ElementwiseS8Table elementwise_s8_avx512vnni{add_codes, sub_codes, mul_codes};

}  // namespace octet::kernels
