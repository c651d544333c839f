#include "kernels/pool_f32/vector.h"

namespace octet::kernels {

extern const PoolF32Table pool_f32_avx512vnni;
const PoolF32Table pool_f32_avx512vnni = {row};

}  // namespace octet::kernels
