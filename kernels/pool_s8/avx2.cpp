#include <immintrin.h>

#include "kernels/pool_s8/pool_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes256.inl"
// After the lanes.
#include "kernels/simd/bytes128.inl"
// After both.
#include "kernels/pool_s8/vector.inl"

}  // namespace

extern const PoolS8Table pool_s8_avx2;
const PoolS8Table pool_s8_avx2{max_pool, average_pool, global_average};

}  // namespace octet::kernels
