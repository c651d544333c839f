#include "kernels/layernorm_f32/layernorm_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const LayerNormF32Table layernorm_f32_##isa;
#include "octet/kernels/layernorm_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) LayerNormF32Variant{Isa::isa, &layernorm_f32_##isa},
#include "octet/kernels/layernorm_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const LayerNormF32Variant> layernorm_f32_variants() { return kRows; }
const LayerNormF32Variant& select_layernorm_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
