#include <immintrin.h>

#include "kernels/gemm_s8/gemm_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/gemm_s8/pack.inl"
#include "kernels/simd/dot256.inl"
#include "kernels/simd/lookup256.inl"
#include "kernels/simd/vec256.inl"
// After lookup_bytes.
#include "kernels/gemm_s8/epilogue.inl"

using Vec = Vec256;

using Dot = Dot256;

constexpr size_t kPanelVectors = 2;
#include "kernels/gemm_s8/direct.inl"
#include "kernels/gemm_s8/vnni.inl"

}  // namespace

extern const GemmS8Table gemm_s8_avxvnni;
const GemmS8Table gemm_s8_avxvnni = {kRows,         kPanel,  packed_bytes, pack,
                                     scratch_bytes, prepare, tile,         direct};

}  // namespace octet::kernels
