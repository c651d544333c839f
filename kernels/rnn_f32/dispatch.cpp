#include "kernels/rnn_f32/rnn_f32.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const RnnCell rnn_f32_##isa;
#include "octet/kernels/rnn_f32.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRnnF32Rows = {
#define OCTET_KERNEL(isa) Variant<RnnCell>{Isa::isa, &rnn_f32_##isa},
#include "octet/kernels/rnn_f32.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const Variant<RnnCell>> rnn_f32_variants() { return kRnnF32Rows; }
const Variant<RnnCell>& select_rnn_f32(CpuToken token) { return select(kRnnF32Rows, token); }

}  // namespace octet::kernels
