#include "kernels/depthwise_f32/depthwise_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const DepthwiseF32Table depthwise_f32_##isa;
#include "octet/kernels/depthwise_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) DepthwiseF32Variant{Isa::isa, &depthwise_f32_##isa},
#include "octet/kernels/depthwise_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const DepthwiseF32Variant> depthwise_f32_variants() { return kRows; }
const DepthwiseF32Variant& select_depthwise_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
