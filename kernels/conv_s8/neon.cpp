#include "kernels/simd/neon.h"

#include "kernels/conv_s8/conv_s8.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes_neon.inl"
#include "kernels/simd/rows_smull.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/conv_s8/codes_neon.inl"
#include "kernels/conv_s8/tile_neon.inl"
#include "kernels/conv_s8/panel.inl"
#include "kernels/conv_s8/bands.inl"
#include "kernels/conv_s8/driver.inl"
// clang-format on

}  // namespace

extern const ConvS8Table conv_s8_neon;
const ConvS8Table conv_s8_neon{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
