#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

#include "kernels/gemm_s8/pack.inl"
#include "kernels/simd/dot256.inl"
#include "kernels/simd/lookup256.inl"
#include "kernels/simd/vec256.inl"
// After the vectors.
#include "kernels/simd/curve256.inl"
// After lookup_bytes.
#include "kernels/gemm_s8/epilogue.inl"

using Vec = Vec256;

using Dot = Dot256;

constexpr size_t kPanelVectors = 2;
constexpr size_t kDepth = 4;
constexpr size_t kNearWeights = size_t{3} << 18;
#include "kernels/gemm_s8/direct.inl"
#include "kernels/gemm_s8/vnni.inl"

namespace four_bits {
#include "kernels/gemm_s8/vnni_s4.inl"
// After the products.
#include "kernels/gemm_s8/nibbles.inl"
}  // namespace four_bits

}  // namespace

extern const GemmS8Table gemm_s8_avxvnni;
const GemmS8Table gemm_s8_avxvnni = {kRows,
                                     kPanel,
                                     packed_bytes,
                                     pack,
                                     scratch_bytes,
                                     prepare,
                                     tile_in_blocks,
                                     direct,
                                     &four_bits::kTable,
                                     four_bits::kFrom};

}  // namespace octet::kernels
