#include "kernels/pool_f32/vector.h"

namespace octet::kernels {

extern const PoolF32Table pool_f32_avx2;
const PoolF32Table pool_f32_avx2 = {row};

}  // namespace octet::kernels
