#include "kernels/elementwise_f32/elementwise_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const ElementwiseF32Table elementwise_f32_##isa;
#include "octet/kernels/elementwise_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) ElementwiseF32Variant{Isa::isa, &elementwise_f32_##isa},
#include "octet/kernels/elementwise_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const ElementwiseF32Variant> elementwise_f32_variants() { return kRows; }
const ElementwiseF32Variant& select_elementwise_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
