#include "kernels/simd/avx2.h"

#include "kernels/simd/transpose_x86.h"

namespace octet::kernels {
namespace {
// 6 rows by 2 registers are 12 sums, which leaves 4 of 16 for operands.
constexpr int kPanelVectors = 1;
constexpr unsigned kTileRows = 6;
}  // namespace
}  // namespace octet::kernels

#include "kernels/gemm_f32/vector.h"

namespace octet::kernels {

extern const GemmF32Table gemm_f32_avx2;
const GemmF32Table gemm_f32_avx2 = {kPanel, kLanes, kTileRows, block, pack_panel};

}  // namespace octet::kernels
