#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

#include "kernels/gemm_s8/pack.inl"
#include "kernels/simd/dot512.inl"
#include "kernels/simd/lookup512.inl"
#include "kernels/simd/vec512.inl"
// After the vectors.
#include "kernels/simd/curve512.inl"
// After lookup_bytes.
#include "kernels/gemm_s8/epilogue.inl"

using Vec = Vec512;

using Dot = Dot512;

constexpr size_t kPanelVectors = 4;
constexpr size_t kDepth = 4;
constexpr size_t kNearWeights = size_t{3} << 14;
#include "kernels/gemm_s8/direct.inl"
#include "kernels/gemm_s8/vnni.inl"
// After the products.
#include "kernels/gemm_s8/overlap.inl"

void tile(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
          size_t column_end) {
  const GemmS8Epilogue& e = args.epilogue;
  const bool finishes = e.type == GemmS8Output::s32 || (e.curve == nullptr && finishes_floats(e));
  if (row_end - row_begin >= kLeastRows && args.n > Dot::kLanes && args.k >= kLeastDepth &&
      !finishes) {
    const auto run = e.curve != nullptr            ? tile_overlapped<StoreCurve<Vec>>
                     : e.type == GemmS8Output::f32 ? tile_overlapped<StoreFloats<Vec>>
                                                   : tile_overlapped<StoreCodes<Vec>>;
    run(args, row_begin, row_end, column_begin, column_end);
    return finish_lookup(args, row_begin, row_end, column_begin, column_end);
  }
  tile_in_blocks(args, row_begin, row_end, column_begin, column_end);
}

namespace four_bits {
#include "kernels/gemm_s8/vnni_s4.inl"
// After the products.
#include "kernels/gemm_s8/nibbles.inl"
}  // namespace four_bits

}  // namespace

extern const GemmS8Table gemm_s8_avx512vnni;
const GemmS8Table gemm_s8_avx512vnni = {kRows,
                                        kPanel,
                                        packed_bytes,
                                        pack,
                                        scratch_bytes,
                                        prepare,
                                        tile,
                                        direct,
                                        &four_bits::kTable,
                                        four_bits::kFrom};

}  // namespace octet::kernels
