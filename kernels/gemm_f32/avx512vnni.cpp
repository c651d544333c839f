#include "kernels/gemm_f32/vector.h"

namespace octet::kernels {

extern const GemmF32Table gemm_f32_avx512vnni;
const GemmF32Table gemm_f32_avx512vnni = {kPanel, kLanes, kTileRows, block, pack_panel, code_place};

}  // namespace octet::kernels
