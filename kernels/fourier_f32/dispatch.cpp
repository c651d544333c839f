#include "kernels/fourier_f32/fourier_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const FourierF32Table fourier_f32_##isa;
#include "octet/kernels/fourier_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) FourierF32Variant{Isa::isa, &fourier_f32_##isa},
#include "octet/kernels/fourier_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const FourierF32Variant> fourier_f32_variants() { return kRows; }
const FourierF32Variant& select_fourier_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
