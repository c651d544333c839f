#include "kernels/depthwise_f32/vector.h"

namespace octet::kernels {

extern const DepthwiseF32Table depthwise_f32_avx2;
const DepthwiseF32Table depthwise_f32_avx2 = {row};

}  // namespace octet::kernels
