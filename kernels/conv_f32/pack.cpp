#include "kernels/conv_f32/pack.h"

namespace octet::kernels {

void conv_f32_pack_groups(const GemmF32Table& table, const ConvF32Shape& shape,
                          const ConvF32Weights& weights, size_t output_base, size_t input_base,
                          float* packed, Parallel& parallel) {
  const ConvF32Layout layout = conv_f32_layout(table, shape);
  const size_t k = layout.taps * layout.depth;
  const auto pack_panel = [&](size_t group, size_t panel) {
    const size_t first = panel * table.panel;
    const size_t columns = std::min(table.panel, layout.columns - first);
    const size_t width = columns == table.panel
                             ? columns
                             : (columns + table.vector - 1) / table.vector * table.vector;
    float* out = packed + group * layout.group_size + first * k;
    for (size_t tap = 0; tap < layout.taps; ++tap) {
      const auto y = static_cast<ptrdiff_t>(tap / shape.kernel_width);
      const auto x = static_cast<ptrdiff_t>(tap % shape.kernel_width);
      const auto output = static_cast<ptrdiff_t>(group * output_base + first);
      const auto input = static_cast<ptrdiff_t>(group * input_base);
      const MatrixF32 b = {weights.data + output * weights.output + input * weights.input +
                               y * weights.kernel_y + x * weights.kernel_x,
                           weights.input, weights.output};
      table.pack_panel(b, layout.depth, columns, width, out + tap * layout.depth * width);
    }
  };
  parallel.for_ranges(layout.groups * layout.panels, 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) pack_panel(i / layout.panels, i % layout.panels);
  });
  std::fill(packed + layout.zeros, packed + layout.size, 0.0F);
}

size_t conv_f32_packed_size(const GemmF32Table& table, const ConvF32Shape& shape) {
  return conv_f32_layout(table, shape).size;
}

void conv_f32_pack(const GemmF32Table& table, const ConvF32Shape& shape,
                   const ConvF32Weights& weights, float* packed, Parallel& parallel) {
  conv_f32_pack_groups(table, shape, weights, shape.out_channels / shape.groups, 0, packed,
                       parallel);
}

size_t conv_transpose_f32_packed_size(const GemmF32Table& table, const ConvF32Shape& shape) {
  return conv_f32_packed_size(table, shape);
}

void conv_transpose_f32_pack(const GemmF32Table& table, const ConvF32Shape& shape,
                             const ConvF32Weights& weights, float* packed, Parallel& parallel) {
  conv_f32_pack_groups(table, shape, weights, 0, shape.in_channels / shape.groups, packed,
                       parallel);
}

}  // namespace octet::kernels
