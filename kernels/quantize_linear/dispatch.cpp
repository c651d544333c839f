#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const QuantizeLinearTable quantize_linear_##isa;
#include "octet/kernels/quantize_linear.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<QuantizeLinearTable>{Isa::isa, &quantize_linear_##isa},
#include "octet/kernels/quantize_linear.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<QuantizeLinearTable>& select_quantize_linear(CpuToken token) {
  return select(kRows, token);
}

std::span<const Variant<QuantizeLinearTable>> quantize_linear_variants() { return kRows; }

}  // namespace octet::kernels
