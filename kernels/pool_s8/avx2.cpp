#include <immintrin.h>

#include "kernels/pool_s8/pool_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes256.inl"
#include "kernels/pool_s8/lanes.inl"
// clang-format on

}  // namespace

extern const PoolS8Table pool_s8_avx2;
const PoolS8Table pool_s8_avx2{max_pool, average, global_average};

}  // namespace octet::kernels
