#include "kernels/winograd_s8/winograd_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const ConvS8Table winograd_s8_##isa;
#include "octet/kernels/winograd_s8.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<ConvS8Table>{Isa::isa, &winograd_s8_##isa},
#include "octet/kernels/winograd_s8.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<ConvS8Table>& select_winograd_s8(CpuToken token) { return select(kRows, token); }

std::span<const Variant<ConvS8Table>> winograd_s8_variants() { return kRows; }

}  // namespace octet::kernels
