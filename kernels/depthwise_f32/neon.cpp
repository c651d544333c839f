#include "kernels/depthwise_f32/vector.h"

namespace octet::kernels {

extern const DepthwiseF32Table depthwise_f32_neon;
const DepthwiseF32Table depthwise_f32_neon = {row};

}  // namespace octet::kernels
