#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

inline __attribute__((always_inline)) simd::F32x16 times_power_of_two(simd::F32x16 p,
                                                                      simd::F32x16 n) {
  return {_mm512_scalef_ps(p.v, n.v)};
}

}  // namespace
}  // namespace octet::kernels

#include "kernels/softmax_f32/vector.h"

namespace octet::kernels {

extern const SoftmaxF32Table softmax_f32_avx512vnni;
const SoftmaxF32Table softmax_f32_avx512vnni = {row, rows, columns, codes, fill};

}  // namespace octet::kernels
