#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const GemmF32Table gemm_f32_##isa;
#include "octet/kernels/gemm_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) GemmF32Variant{Isa::isa, &gemm_f32_##isa},
#include "octet/kernels/gemm_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const GemmF32Variant> gemm_f32_variants() { return kRows; }
const GemmF32Variant& select_gemm_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
