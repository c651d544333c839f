#include "kernels/convert/convert.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const ConvertTable convert_##isa;
#include "octet/kernels/convert.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) ConvertVariant{Isa::isa, &convert_##isa},
#include "octet/kernels/convert.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const ConvertVariant> convert_variants() { return kRows; }
const ConvertVariant& select_convert(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
