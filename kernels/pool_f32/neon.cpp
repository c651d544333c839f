#include "kernels/pool_f32/vector.h"

namespace octet::kernels {

extern const PoolF32Table pool_f32_neon;
const PoolF32Table pool_f32_neon = {row};

}  // namespace octet::kernels
