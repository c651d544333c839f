#include "kernels/fourier_f64/fourier_f64.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const FourierF64Table fourier_f64_##isa;
#include "octet/kernels/fourier_f64.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) FourierF64Variant{Isa::isa, &fourier_f64_##isa},
#include "octet/kernels/fourier_f64.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const FourierF64Variant> fourier_f64_variants() { return kRows; }
const FourierF64Variant& select_fourier_f64(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
