#include <immintrin.h>

#include "kernels/conv_s8/conv_s8.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes256.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/simd/apart.inl"
#include "kernels/conv_s8/codes256.inl"
#include "kernels/conv_s8/tile256.inl"
#include "kernels/conv_s8/panel.inl"
#include "kernels/conv_s8/bands.inl"
#include "kernels/conv_s8/driver.inl"
// clang-format on

}  // namespace

extern const ConvS8Table conv_s8_avx2;
const ConvS8Table conv_s8_avx2{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
