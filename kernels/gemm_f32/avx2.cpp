#include "kernels/gemm_f32/vector.h"

namespace octet::kernels {

extern const GemmF32Table gemm_f32_avx2;
const GemmF32Table gemm_f32_avx2 = {kPanel, kLanes, kTileRows, block, pack_panel, code_place};

}  // namespace octet::kernels
