#include <immintrin.h>

#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::kernels {
namespace {

#include "kernels/simd/lanes512.inl"
// After the lanes.
#include "kernels/simd/bytes128.inl"

// a * b + c and c - a * b, rounded once.
inline Floats fma(Floats a, Floats b, Floats c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Floats fnma(Floats a, Floats b, Floats c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }

// After these.
#include "kernels/quantize_linear/vector.inl"

}  // namespace

extern const QuantizeLinearTable quantize_linear_avx512vnni;
const QuantizeLinearTable quantize_linear_avx512vnni{quantize, dequantize, code_run,    requantize,
                                                     range,    dynamic,    dynamic_rows};

}  // namespace octet::kernels
