#pragma once

#include "kernels/conv_s8/conv_s8.h"

namespace octet::kernels {

/// ConvTransposeS8Table's functions by convolutions. Output pixels whose rows and columns have the
/// same remainders by the strides (a phase) read the same taps, so that each phase is a convolution
/// of stride 1 with weights of its own. Packed: by phase what `conv` packs, in whole lines of 64
/// bytes.
size_t phases_packed_bytes(const ConvS8Table& conv, const ConvShape& shape);
void phases_pack(const ConvS8Table& conv, const ConvShape& shape, const ConvWeights& weights,
                 void* packed);
size_t phases_scratch_bytes(const ConvS8Table& conv, const ConvShape& shape, size_t width);
void phases_run(const ConvS8Table& conv, const ConvShape& shape, const void* packed,
                const ConvIo& io, const ConvEpilogue& epilogue, void* scratch, Parallel& parallel);

}  // namespace octet::kernels
