#include "kernels/transpose/transpose.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const TransposeTable transpose_##isa;
#include "octet/kernels/transpose.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<TransposeTable>{Isa::isa, &transpose_##isa},
#include "octet/kernels/transpose.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<TransposeTable>& select_transpose(CpuToken token) { return select(kRows, token); }

std::span<const Variant<TransposeTable>> transpose_variants() { return kRows; }

}  // namespace octet::kernels
