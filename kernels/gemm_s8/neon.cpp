#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/vec_neon.inl"
// After the vectors.
#include "kernels/simd/curve_neon.inl"
#include "kernels/simd/lookup_neon.inl"
#include "kernels/simd/rows_smull.inl"
#include "kernels/gemm_s8/epilogue.inl"
#include "kernels/gemm_s8/neon.inl"
#include "kernels/gemm_s8/direct_neon.inl"
// clang-format on

}  // namespace

extern const GemmS8Table gemm_s8_neon;
const GemmS8Table gemm_s8_neon = {kTileRows,          kPanel,          packed_bytes, pack,
                                  scratch_bytes,      prepare,         tile,         direct,
                                  &four_bits::kTable, four_bits::kFrom};

}  // namespace octet::kernels
