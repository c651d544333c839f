#pragma once

#include <span>

#include "kernels/conv_types.h"
#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace octet::kernels {

/// Quantized depthwise 2-D convolution (groups = in_channels = out_channels; a channel multiplier
/// goes to conv_s8), exact in int32. Weights are [channels, 1, kernel_h, kernel_w]. The layout of
/// packed weights belongs to the row that packed them. Packed weights and scratch are aligned to 64
/// bytes.
struct DepthwiseS8Table {
  size_t (*packed_bytes)(const ConvShape& shape);
  void (*pack)(const ConvShape& shape, const ConvWeights& weights, void* packed);
  size_t (*scratch_bytes)(const ConvShape& shape, size_t width);
  /// `scratch` holds scratch_bytes(shape, parallel.width()) bytes.
  void (*run)(const ConvShape& shape, const void* packed, const ConvIo& io,
              const ConvEpilogue& epilogue, void* scratch, Parallel& parallel);
};

const Variant<DepthwiseS8Table>& select_depthwise_s8(CpuToken token);
std::span<const Variant<DepthwiseS8Table>> depthwise_s8_variants();

}  // namespace octet::kernels
