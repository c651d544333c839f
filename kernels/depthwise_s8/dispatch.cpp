#include "kernels/depthwise_s8/depthwise_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const DepthwiseS8Table depthwise_s8_##isa;
#include "octet/kernels/depthwise_s8.rows"
#undef OCTET_KERNEL

namespace {

constexpr std::array kRows = {
#define OCTET_KERNEL(isa) Variant<DepthwiseS8Table>{Isa::isa, &depthwise_s8_##isa},
#include "octet/kernels/depthwise_s8.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<DepthwiseS8Table>& select_depthwise_s8(CpuToken token) {
  return select(kRows, token);
}

std::span<const Variant<DepthwiseS8Table>> depthwise_s8_variants() { return kRows; }

}  // namespace octet::kernels
