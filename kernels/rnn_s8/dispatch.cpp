#include "kernels/rnn_s8/rnn_s8.h"

namespace octet::kernels {

#define OCTET_KERNEL(isa) extern const RnnS8 rnn_s8_##isa;
#include "octet/kernels/rnn_s8.rows"
#undef OCTET_KERNEL

namespace {
constexpr std::array kRnnS8Rows = {
#define OCTET_KERNEL(isa) Variant<RnnS8>{Isa::isa, &rnn_s8_##isa},
#include "octet/kernels/rnn_s8.rows"
#undef OCTET_KERNEL
};
}  // namespace

std::span<const Variant<RnnS8>> rnn_s8_variants() { return kRnnS8Rows; }
const Variant<RnnS8>& select_rnn_s8(CpuToken token) { return select(kRnnS8Rows, token); }

}  // namespace octet::kernels
