#include "kernels/lut_s8/lut_s8.h"
#include "kernels/quantize.h"

namespace octet::kernels {
namespace {

void map(const uint8_t* in, uint8_t* out, size_t count, const uint8_t* table, Parallel& parallel) {
  parallel.for_ranges(count, 32768, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) out[i] = table[in[i]];
  });
}

void curve(const float* in, uint8_t* out, size_t count, const CodeCurve& curve, bool is_signed,
           Parallel& parallel) {
  parallel.for_ranges(count, 16384, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const float held = in[i] > 0.0F ? in[i] : 0.0F;
      out[i] = curve.at(quantize<uint16_t>(held, Scale{1.0F}, ZeroPoint{0}), is_signed);
    }
  });
}

}  // namespace

extern const LutS8Table lut_s8_scalar;
const LutS8Table lut_s8_scalar{map, curve};

}  // namespace octet::kernels
