#include "kernels/elementwise_f32/vector.h"

namespace octet::kernels {

extern const ElementwiseF32Table elementwise_f32_avx2;
const ElementwiseF32Table elementwise_f32_avx2 = {unary, binary, gate_codes};

}  // namespace octet::kernels
