#include "kernels/depthwise_f32/vector.h"

namespace octet::kernels {

extern const DepthwiseF32Table depthwise_f32_avx512vnni;
const DepthwiseF32Table depthwise_f32_avx512vnni = {row};

}  // namespace octet::kernels
