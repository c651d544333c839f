#pragma once

#include <algorithm>

#include "kernels/conv_f32/conv_f32.h"

// What convolution and transposed convolution share: packed weights are one packed B[taps * input
// channels of a group, output channels of a group] a group, then a row of zeros that taps in the
// padding read.

namespace octet::kernels {

struct ConvF32Layout {
  size_t taps;
  size_t depth;
  size_t columns;
  size_t groups;
  size_t panels;
  /// Floats of a group's packed weights, and where the zeros start.
  size_t group_size;
  size_t zeros;
  size_t size;
};

inline ConvF32Layout conv_f32_layout(const GemmF32Table& table, const ConvF32Shape& shape) {
  ConvF32Layout layout{};
  layout.taps = shape.kernel_height * shape.kernel_width;
  layout.depth = shape.in_channels / shape.groups;
  layout.columns = shape.out_channels / shape.groups;
  layout.groups = shape.groups;
  layout.panels = (layout.columns + table.panel - 1) / table.panel;
  const size_t packed = gemm_f32_packed_size(table, layout.taps * layout.depth, layout.columns);
  layout.group_size = (packed + 15) / 16 * 16;
  layout.zeros = layout.group_size * layout.groups;
  layout.size = layout.zeros + layout.depth;
  return layout;
}

/// Packs every group; in group g, the first output and input channel are `output_base` and
/// `input_base` times g.
void conv_f32_pack_groups(const GemmF32Table& table, const ConvF32Shape& shape,
                          const ConvF32Weights& weights, size_t output_base, size_t input_base,
                          float* packed, Parallel& parallel);

/// The epilogue of rows from `pixel` and columns from `channel`.
inline GemmF32Epilogue epilogue_at(GemmF32Epilogue epilogue, size_t pixel, size_t channel) {
  const auto row = static_cast<ptrdiff_t>(pixel);
  const auto column = static_cast<ptrdiff_t>(channel);
  if (epilogue.bias != nullptr) epilogue.bias += column;
  if (epilogue.addend != nullptr)
    epilogue.addend += row * epilogue.addend_row + column * epilogue.addend_column;
  if (epilogue.residual != nullptr) epilogue.residual += row * epilogue.residual_row + column;
  return epilogue;
}

}  // namespace octet::kernels
