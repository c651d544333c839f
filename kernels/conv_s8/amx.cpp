#include <immintrin.h>

#include "kernels/conv_s8/conv_s8.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes512.inl"
#include "kernels/simd/tiles.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/simd/apart.inl"
#include "kernels/conv_s8/codes512.inl"
#include "kernels/conv_s8/vnni512.inl"
#include "kernels/conv_s8/tile_amx.inl"
#include "kernels/conv_s8/panel.inl"
#include "kernels/conv_s8/bands.inl"
#include "kernels/conv_s8/driver.inl"
// clang-format on

}  // namespace

extern const ConvS8Table conv_s8_amx;
const ConvS8Table conv_s8_amx{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
