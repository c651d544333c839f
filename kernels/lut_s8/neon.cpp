#include <arm_neon.h>

#include "kernels/lut_s8/lut_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lookup_neon.inl"

void map(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table, Parallel& parallel) {
  parallel.for_ranges(count, 65536, [&](size_t begin, size_t end) {
    lookup_bytes(in + begin, out + begin, end - begin, table);
  });
}

}  // namespace

extern const LutS8Table lut_s8_neon;
const LutS8Table lut_s8_neon{map};

}  // namespace octet::kernels
