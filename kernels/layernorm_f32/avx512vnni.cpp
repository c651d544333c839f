#include "kernels/layernorm_f32/vector.h"

namespace octet::kernels {

extern const LayerNormF32Table layernorm_f32_avx512vnni;
const LayerNormF32Table layernorm_f32_avx512vnni = {rows, moments, normalize};

}  // namespace octet::kernels
