#include "kernels/lut_s8/lut_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const LutS8Table lut_s8_##isa;
#include "octet/kernels/lut_s8.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<LutS8Table>{Isa::isa, &lut_s8_##isa},
#include "octet/kernels/lut_s8.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<LutS8Table>& select_lut_s8(CpuToken token) { return select(kRows, token); }

std::span<const Variant<LutS8Table>> lut_s8_variants() { return kRows; }

}  // namespace octet::kernels
