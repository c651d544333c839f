#include "kernels/conv_transpose_s8/conv_transpose_s8.h"
#include "kernels/simd/neon.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes_neon.inl"
#include "kernels/simd/rows_sdot.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/conv_s8/codes_neon.inl"
#include "kernels/conv_s8/tile_neon.inl"
#include "kernels/conv_s8/panel.inl"
#include "kernels/conv_transpose_s8/driver.inl"
// clang-format on

}  // namespace

extern const ConvTransposeS8Table conv_transpose_s8_neondot;
const ConvTransposeS8Table conv_transpose_s8_neondot{packed_bytes, pack, scratch_bytes, run};

}  // namespace octet::kernels
