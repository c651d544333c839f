#include "kernels/reduce_f32/reduce_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const ReduceF32Table reduce_f32_##isa;
#include "octet/kernels/reduce_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) ReduceF32Variant{Isa::isa, &reduce_f32_##isa},
#include "octet/kernels/reduce_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const ReduceF32Variant> reduce_f32_variants() { return kRows; }
const ReduceF32Variant& select_reduce_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
