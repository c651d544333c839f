#include "kernels/pool_f32/pool_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const PoolF32Table pool_f32_##isa;
#include "octet/kernels/pool_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) PoolF32Variant{Isa::isa, &pool_f32_##isa},
#include "octet/kernels/pool_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const PoolF32Variant> pool_f32_variants() { return kRows; }
const PoolF32Variant& select_pool_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
