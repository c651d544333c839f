#include "kernels/row_f32/row_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const RowF32Table row_f32_##isa;
#include "octet/kernels/row_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRows = {
#define OCTET_KERNEL(isa) RowF32Variant{Isa::isa, &row_f32_##isa},
#include "octet/kernels/row_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const RowF32Variant> row_f32_variants() { return kRows; }
const RowF32Variant& select_row_f32(CpuToken token) { return select(kRows, token); }

}  // namespace octet::kernels
