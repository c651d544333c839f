#include "kernels/simd/neon.h"

#include "kernels/pool_s8/pool_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes_neon.inl"
// After the lanes.
#include "kernels/simd/bytes_neon.inl"
// After both.
#include "kernels/pool_s8/vector.inl"

}  // namespace

extern const PoolS8Table pool_s8_neon;
const PoolS8Table pool_s8_neon{max_pool, average_pool, global_average};

}  // namespace octet::kernels
