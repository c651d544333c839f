#include "kernels/winograd_s8/winograd_s8.h"

namespace octet::kernels {

// The oracle is the convolution as it is defined.
extern const ConvS8Table conv_s8_scalar;

extern const ConvS8Table winograd_s8_scalar;
const ConvS8Table winograd_s8_scalar{
    [](const ConvShape& s) { return conv_s8_scalar.packed_bytes(s); },
    [](const ConvShape& s, const ConvWeights& w, void* packed) {
      conv_s8_scalar.pack(s, w, packed);
    },
    [](const ConvShape& s, size_t width) { return conv_s8_scalar.scratch_bytes(s, width); },
    [](const ConvShape& s, const void* packed, const ConvIo& io, const ConvEpilogue& epilogue,
       void* scratch,
       Parallel& parallel) { conv_s8_scalar.run(s, packed, io, epilogue, scratch, parallel); }};

}  // namespace octet::kernels
