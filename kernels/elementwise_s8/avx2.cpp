#include <immintrin.h>

#include "kernels/elementwise_s8/elementwise_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes256.inl"
// After the lanes.
#include "kernels/elementwise_s8/vector.inl"

}  // namespace

extern const ElementwiseS8Table elementwise_s8_avx2;
const ElementwiseS8Table elementwise_s8_avx2{add_codes, sub_codes, mul_codes};

}  // namespace octet::kernels
