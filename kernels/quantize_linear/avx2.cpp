#include <immintrin.h>

#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes256.inl"
// After the lanes.
#include "kernels/simd/bytes128.inl"

// a * b + c and c - a * b, rounded once.
inline Floats fma(Floats a, Floats b, Floats c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline Floats fnma(Floats a, Floats b, Floats c) {
  return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}

// After these.
#include "kernels/quantize_linear/vector.inl"

}  // namespace

extern const QuantizeLinearTable quantize_linear_avx2;
const QuantizeLinearTable quantize_linear_avx2{quantize, dequantize, code_run,    requantize,
                                               range,    dynamic,    dynamic_rows};

}  // namespace octet::kernels
