#include "kernels/math/math.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const MathTable math_##isa;
#include "octet/kernels/math.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kMathRows = {
#define OCTET_KERNEL(isa) Variant<MathTable>{Isa::isa, &math_##isa},
#include "octet/kernels/math.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const Variant<MathTable>> math_variants() { return kMathRows; }
const Variant<MathTable>& select_math(CpuToken token) { return select(kMathRows, token); }

}  // namespace octet::kernels
