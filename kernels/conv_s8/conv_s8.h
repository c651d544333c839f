#pragma once

#include <span>

#include "kernels/conv_types.h"
#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace octet::kernels {

/// Quantized 2-D convolution, exact in int32. Weights are OIHW: [out_channels,
/// in_channels / groups, kernel_h, kernel_w]. The layout of packed weights belongs to the row that
/// packed them; it does not depend on the batch or on the spatial dims. Packed weights and scratch
/// are aligned to 64 bytes.
struct ConvS8Table {
  size_t (*packed_bytes)(const ConvShape& shape);
  void (*pack)(const ConvShape& shape, const ConvWeights& weights, void* packed);
  size_t (*scratch_bytes)(const ConvShape& shape, size_t width);
  /// `scratch` holds scratch_bytes(shape, parallel.width()) bytes: a narrower team may need more.
  void (*run)(const ConvShape& shape, const void* packed, const ConvIo& io,
              const ConvEpilogue& epilogue, void* scratch, Parallel& parallel);
};

const Variant<ConvS8Table>& select_conv_s8(CpuToken token);
std::span<const Variant<ConvS8Table>> conv_s8_variants();

}  // namespace octet::kernels
