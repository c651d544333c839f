#include <immintrin.h>

#include "kernels/lut_s8/lut_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/vec256.inl"
using Vec = Vec256;
#include "kernels/simd/curve256.inl"
#include "kernels/simd/curves.inl"
#include "kernels/simd/lookup256.inl"
// clang-format on

void map(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table, Parallel& parallel) {
  parallel.for_ranges(count, 65536, [&](size_t begin, size_t end) {
    lookup_bytes(in + begin, out + begin, end - begin, table);
  });
}

}  // namespace

extern const LutS8Table lut_s8_avx2;
const LutS8Table lut_s8_avx2{map, curve};

}  // namespace octet::kernels
