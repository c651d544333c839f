#include "kernels/simd/neon.h"

#include "kernels/elementwise_s8/elementwise_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes_neon.inl"
// After the lanes.
#include "kernels/elementwise_s8/vector.inl"

}  // namespace

extern const ElementwiseS8Table elementwise_s8_neon;
const ElementwiseS8Table elementwise_s8_neon{add_codes, sub_codes, mul_codes};

}  // namespace octet::kernels
