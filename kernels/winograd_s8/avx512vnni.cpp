#include <immintrin.h>

#include "kernels/simd/unroll.h"
#include "kernels/winograd_s8/winograd_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes512.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/conv_s8/codes512.inl"
#include "kernels/winograd_s8/words512.inl"
#include "kernels/winograd_s8/tile512.inl"
#include "kernels/winograd_s8/transform.inl"
#include "kernels/winograd_s8/driver.inl"
// clang-format on

}  // namespace

extern const ConvS8Table winograd_s8_avx512vnni;
const ConvS8Table winograd_s8_avx512vnni{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
