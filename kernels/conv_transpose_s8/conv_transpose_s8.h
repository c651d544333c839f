#pragma once

#include <span>

#include "kernels/conv_types.h"
#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace octet::kernels {

/// Quantized 2-D transposed convolution, exact in int32. Input pixel (y, x) adds to output pixels
/// (y * stride_h + i * dilation_h - pad_top, x * stride_w + j * dilation_w - pad_left). Weights are
/// [in_channels, out_channels / groups, kernel_h, kernel_w]; their zero points are by output
/// channel. Packed weights and scratch are aligned to 64 bytes. All rows but the scalar one run on
/// those of conv_s8: see phases.h.
struct ConvTransposeS8Table {
  size_t (*packed_bytes)(const ConvShape& shape);
  void (*pack)(const ConvShape& shape, const ConvWeights& weights, void* packed);
  size_t (*scratch_bytes)(const ConvShape& shape, size_t width);
  /// `scratch` holds scratch_bytes(shape, parallel.width()) bytes.
  void (*run)(const ConvShape& shape, const void* packed, const ConvIo& io,
              const ConvEpilogue& epilogue, void* scratch, Parallel& parallel);
};

const Variant<ConvTransposeS8Table>& select_conv_transpose_s8(CpuToken token);
std::span<const Variant<ConvTransposeS8Table>> conv_transpose_s8_variants();

}  // namespace octet::kernels
