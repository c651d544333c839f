#include "kernels/gemm_s8/gemm_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const GemmS8Table gemm_s8_##isa;
#include "octet/kernels/gemm_s8.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kGemmS8Rows = {
#define OCTET_KERNEL(isa) Variant<GemmS8Table>{Isa::isa, &gemm_s8_##isa},
#include "octet/kernels/gemm_s8.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const Variant<GemmS8Table>> gemm_s8_variants() { return kGemmS8Rows; }
const Variant<GemmS8Table>& select_gemm_s8(CpuToken token) { return select(kGemmS8Rows, token); }

}  // namespace octet::kernels
