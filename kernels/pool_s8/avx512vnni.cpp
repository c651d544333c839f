#include <immintrin.h>

#include "kernels/pool_s8/pool_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes512.inl"
// After the lanes.
#include "kernels/simd/bytes128.inl"
// After both.
#include "kernels/pool_s8/vector.inl"

}  // namespace

extern const PoolS8Table pool_s8_avx512vnni;
const PoolS8Table pool_s8_avx512vnni{max_pool, average_pool, global_average};

}  // namespace octet::kernels
