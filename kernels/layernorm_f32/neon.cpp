#include "kernels/layernorm_f32/vector.h"

namespace octet::kernels {

extern const LayerNormF32Table layernorm_f32_neon;
const LayerNormF32Table layernorm_f32_neon = {rows, moments, normalize};

}  // namespace octet::kernels
