#include "kernels/winograd_f32/winograd_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const WinogradF32Table winograd_f32_##isa;
#include "octet/kernels/winograd_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) WinogradF32Variant{Isa::isa, &winograd_f32_##isa},
#include "octet/kernels/winograd_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const WinogradF32Variant> winograd_f32_variants() { return kRows; }
const WinogradF32Variant& select_winograd_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
