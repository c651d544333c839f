#include "kernels/conv_transpose_s8/conv_transpose_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const ConvTransposeS8Table conv_transpose_s8_##isa;
#include "octet/kernels/conv_transpose_s8.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<ConvTransposeS8Table>{Isa::isa, &conv_transpose_s8_##isa},
#include "octet/kernels/conv_transpose_s8.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<ConvTransposeS8Table>& select_conv_transpose_s8(CpuToken token) {
  return select(kRows, token);
}

std::span<const Variant<ConvTransposeS8Table>> conv_transpose_s8_variants() { return kRows; }

}  // namespace octet::kernels
