#include <algorithm>
#include <cassert>

#include "kernels/conv_f32/pack.h"

namespace octet::kernels {
namespace {

constexpr size_t kTaps = 512;
constexpr size_t kPointers = 2048;
// Multiply-adds of a chunk that are worth waking a thread for.
constexpr size_t kGrainWork = size_t{1} << 18;

// Output pixels of a row that are stride_x apart meet the same kernel taps: a phase. Only those
// taps are multiplied, so the zeros that a stride puts between inputs cost nothing.
class TransposedRow {
 public:
  TransposedRow(const GemmF32Table& table, const ConvF32Args& args)
      : table_(table),
        args_(args),
        shape_(args.shape),
        layout_(conv_f32_layout(table, args.shape)) {}
  void run(size_t image, size_t out_y, size_t group) const;

 private:
  struct Tap {
    size_t y, x;
    uint32_t index;
  };
  // The taps that meet output row `out_y` and columns of `phase`; y and x are the input row and
  // the kernel column.
  size_t find_taps(size_t out_y, size_t phase, Tap* taps) const;
  void run_tiles(const Tap* taps, size_t count, size_t image, size_t out_y, size_t phase,
                 size_t group) const;

  const GemmF32Table& table_;
  const ConvF32Args& args_;
  const ConvF32Shape& shape_;
  ConvF32Layout layout_;
};

size_t TransposedRow::find_taps(size_t out_y, size_t phase, Tap* taps) const {
  size_t count = 0;
  for (size_t ky = 0; ky < shape_.kernel_height; ++ky) {
    const size_t from_y = out_y + shape_.pad_top;
    const size_t y = ky * shape_.dilation_y;
    if (y > from_y || (from_y - y) % shape_.stride_y != 0) continue;
    if ((from_y - y) / shape_.stride_y >= shape_.in_height) continue;
    for (size_t kx = 0; kx < shape_.kernel_width; ++kx) {
      const size_t reach = kx * shape_.dilation_x;
      if ((phase + shape_.pad_left) % shape_.stride_x != reach % shape_.stride_x) continue;
      taps[count++] = {(from_y - y) / shape_.stride_y, kx,
                       static_cast<uint32_t>(ky * shape_.kernel_width + kx)};
    }
  }
  return count;
}

void TransposedRow::run_tiles(const Tap* taps, size_t count, size_t image, size_t out_y,
                              size_t phase, size_t group) const {
  const float* pointers[kPointers];
  uint32_t index[kTaps];
  for (size_t t = 0; t < count; ++t) index[t] = taps[t].index;
  const size_t pixels = (shape_.out_width - phase + shape_.stride_x - 1) / shape_.stride_x;
  const size_t tile = std::min(table_.tile_rows, kPointers / std::max<size_t>(1, count));
  const float* zeros = args_.packed + layout_.zeros;
  for (size_t first = 0; first < pixels; first += tile) {
    const size_t rows = std::min(tile, pixels - first);
    for (size_t t = 0; t < count; ++t)
      for (size_t r = 0; r < rows; ++r) {
        const size_t from = phase + (first + r) * shape_.stride_x + shape_.pad_left;
        const size_t reach = taps[t].x * shape_.dilation_x;
        const size_t x = (from - reach) / shape_.stride_x;
        const size_t pixel = (image * shape_.in_height + taps[t].y) * shape_.in_width + x;
        pointers[t * tile + r] =
            reach <= from && x < shape_.in_width
                ? args_.in + static_cast<ptrdiff_t>(pixel) * args_.in_pixel + group * layout_.depth
                : zeros;
      }
    const size_t column = phase + first * shape_.stride_x;
    const size_t pixel = (image * shape_.out_height + out_y) * shape_.out_width + column;
    const size_t channel = group * layout_.columns;
    GemmF32Block block;
    block.pointers = pointers;
    block.tap_index = index;
    block.taps = count;
    block.depth = layout_.depth;
    block.rows = rows;
    block.tile = tile;
    block.columns = layout_.columns;
    block.packed = args_.packed + group * layout_.group_size;
    block.panel_stride = table_.panel * layout_.taps * layout_.depth;
    block.out = args_.out + static_cast<ptrdiff_t>(pixel) * args_.out_pixel + channel;
    block.out_row = args_.out_pixel * static_cast<ptrdiff_t>(shape_.stride_x);
    block.epilogue = epilogue_at(args_.epilogue, pixel, channel);
    block.epilogue.addend_row *= static_cast<ptrdiff_t>(shape_.stride_x);
    block.epilogue.residual_row *= static_cast<ptrdiff_t>(shape_.stride_x);
    table_.block(block);
  }
}

void TransposedRow::run(size_t image, size_t out_y, size_t group) const {
  Tap taps[kTaps];
  for (size_t phase = 0; phase < std::min(shape_.stride_x, shape_.out_width); ++phase) {
    const size_t count = find_taps(out_y, phase, taps);
    run_tiles(taps, count, image, out_y, phase, group);
  }
}

}  // namespace

bool conv_transpose_f32_fits(const ConvF32Shape& shape) {
  // The most taps of a phase along one axis; with a dilation, a phase may meet all of them.
  const auto most = [](size_t kernel, size_t stride, size_t dilation) {
    return dilation == 1 ? (kernel + stride - 1) / stride : kernel;
  };
  return most(shape.kernel_height, shape.stride_y, shape.dilation_y) *
             most(shape.kernel_width, shape.stride_x, shape.dilation_x) <=
         kTaps;
}

void conv_transpose_f32(const GemmF32Table& table, const ConvF32Args& args, Parallel& parallel) {
  const ConvF32Shape& shape = args.shape;
  assert(conv_transpose_f32_fits(shape));
  const TransposedRow row(table, args);
  const size_t work = shape.out_width * (shape.out_channels / shape.groups) *
                      (shape.in_channels / shape.groups) * shape.kernel_height *
                      shape.kernel_width / (shape.stride_y * shape.stride_x);
  const size_t grain = std::max<size_t>(1, kGrainWork / std::max<size_t>(1, work));
  parallel.for_ranges(shape.batch * shape.out_height * shape.groups, grain,
                      [&](size_t begin, size_t end) {
                        for (size_t i = begin; i < end; ++i) {
                          const size_t y = i / shape.groups;
                          row.run(y / shape.out_height, y % shape.out_height, i % shape.groups);
                        }
                      });
}

}  // namespace octet::kernels
