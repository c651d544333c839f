#include "kernels/conv_s8/conv_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const ConvS8Table conv_s8_##isa;
#include "octet/kernels/conv_s8.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<ConvS8Table>{Isa::isa, &conv_s8_##isa},
#include "octet/kernels/conv_s8.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<ConvS8Table>& select_conv_s8(CpuToken token) { return select(kRows, token); }

std::span<const Variant<ConvS8Table>> conv_s8_variants() { return kRows; }

}  // namespace octet::kernels
