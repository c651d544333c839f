#include <arm_neon.h>

#include "kernels/lut_s8/lut_s8.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/vec_neon.inl"
using Vec = VecNeon;
#include "kernels/simd/curve_neon.inl"
#include "kernels/simd/curves.inl"
#include "kernels/simd/lookup_neon.inl"
// clang-format on

void map(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table, Parallel& parallel) {
  parallel.for_ranges(count, 65536, [&](size_t begin, size_t end) {
    lookup_bytes(in + begin, out + begin, end - begin, table);
  });
}

}  // namespace

extern const LutS8Table lut_s8_neon;
const LutS8Table lut_s8_neon{map, curve};

}  // namespace octet::kernels
