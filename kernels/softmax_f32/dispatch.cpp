#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const SoftmaxF32Table softmax_f32_##isa;
#include "octet/kernels/softmax_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) SoftmaxF32Variant{Isa::isa, &softmax_f32_##isa},
#include "octet/kernels/softmax_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const SoftmaxF32Variant> softmax_f32_variants() { return kRows; }
const SoftmaxF32Variant& select_softmax_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
