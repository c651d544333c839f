#include "kernels/simd/avx512.h"
#include "kernels/simd/transpose_x86.h"

namespace octet::kernels {
namespace {
// 12 rows by 2 registers are 24 sums, which leaves 8 of 32 for operands.
constexpr int kPanelVectors = 2;
constexpr unsigned kTileRows = 12;
}  // namespace
}  // namespace octet::kernels

#include "kernels/gemm_f32/vector.h"

namespace octet::kernels {

extern const GemmF32Table gemm_f32_avx512vnni;
const GemmF32Table gemm_f32_avx512vnni = {kPanel, kLanes, kTileRows, block, pack_panel};

}  // namespace octet::kernels
