#include "kernels/conv_transpose_s8/conv_transpose_s8.h"
#include "kernels/conv_transpose_s8/phases.h"

namespace octet::kernels {

extern const ConvTransposeS8Table conv_transpose_s8_scalar;
#define OCTET_KERNEL(isa) extern const ConvS8Table conv_s8_##isa;
#include "octet/kernels/conv_s8.rows"
#undef OCTET_KERNEL

namespace {

/// What runs on a row of conv_s8.
template <const ConvS8Table& kConv>
constexpr ConvTransposeS8Table kPhases{
    [](const ConvShape& shape) { return phases_packed_bytes(kConv, shape); },
    [](const ConvShape& shape, const ConvWeights& weights, void* packed) {
      phases_pack(kConv, shape, weights, packed);
    },
    [](const ConvShape& shape, size_t width) { return phases_scratch_bytes(kConv, shape, width); },
    [](const ConvShape& shape, const void* packed, const ConvIo& io, const ConvEpilogue& epilogue,
       void* scratch,
       Parallel& parallel) { phases_run(kConv, shape, packed, io, epilogue, scratch, parallel); }};

constexpr std::array kRows = {
#define OCTET_KERNEL(isa)        \
  Variant<ConvTransposeS8Table>{ \
      Isa::isa, Isa::isa == Isa::scalar ? &conv_transpose_s8_scalar : &kPhases<conv_s8_##isa>},
#include "octet/kernels/conv_s8.rows"
#undef OCTET_KERNEL
};

}  // namespace

const Variant<ConvTransposeS8Table>& select_conv_transpose_s8(CpuToken token) {
  return select(kRows, token);
}

std::span<const Variant<ConvTransposeS8Table>> conv_transpose_s8_variants() { return kRows; }

}  // namespace octet::kernels
