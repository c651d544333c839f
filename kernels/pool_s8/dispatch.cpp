#include "kernels/pool_s8/pool_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const PoolS8Table pool_s8_##isa;
#include "octet/kernels/pool_s8.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<PoolS8Table>{Isa::isa, &pool_s8_##isa},
#include "octet/kernels/pool_s8.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<PoolS8Table>& select_pool_s8(CpuToken token) { return select(kRows, token); }

std::span<const Variant<PoolS8Table>> pool_s8_variants() { return kRows; }

}  // namespace octet::kernels
