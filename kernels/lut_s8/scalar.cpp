#include "kernels/lut_s8/lut_s8.h"

namespace octet::kernels {
namespace {

void map(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table, Parallel& parallel) {
  parallel.for_ranges(count, 32768, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) out[i] = table[in[i]];
  });
}

}  // namespace

extern const LutS8Table lut_s8_scalar;
const LutS8Table lut_s8_scalar{map};

}  // namespace octet::kernels
