#include "kernels/elementwise_s8/elementwise_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const ElementwiseS8Table elementwise_s8_##isa;
#include "octet/kernels/elementwise_s8.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<ElementwiseS8Table>{Isa::isa, &elementwise_s8_##isa},
#include "octet/kernels/elementwise_s8.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<ElementwiseS8Table>& select_elementwise_s8(CpuToken token) {
  return select(kRows, token);
}

std::span<const Variant<ElementwiseS8Table>> elementwise_s8_variants() { return kRows; }

}  // namespace octet::kernels
