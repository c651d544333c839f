#include "kernels/layernorm_f32/vector.h"

namespace octet::kernels {

extern const LayerNormF32Table layernorm_f32_avx2;
const LayerNormF32Table layernorm_f32_avx2 = {rows, moments, normalize};

}  // namespace octet::kernels
