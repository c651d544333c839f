#include "kernels/elementwise_f32/vector.h"

namespace octet::kernels {

extern const ElementwiseF32Table elementwise_f32_avx512vnni;
const ElementwiseF32Table elementwise_f32_avx512vnni = {unary, binary, gate_codes};

}  // namespace octet::kernels
