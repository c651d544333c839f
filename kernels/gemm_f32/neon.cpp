#include "kernels/gemm_f32/vector.h"

namespace octet::kernels {

extern const GemmF32Table gemm_f32_neon;
const GemmF32Table gemm_f32_neon = {kPanel, kLanes, kTileRows, block, pack_panel, code_place};

}  // namespace octet::kernels
