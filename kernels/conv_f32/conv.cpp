#include <algorithm>
#include <cassert>

#include "kernels/conv_f32/pack.h"

namespace octet::kernels {
namespace {

// What a range keeps on its stack: pointers into the image, and windows that are copied because
// they touch the padding or aren't contiguous.
constexpr size_t kPointers = 2048;
constexpr size_t kWindowFloats = 16384;
// Taps of fewer channels are worth copying into windows; so are longer ones that seldom need it.
constexpr size_t kShortDepth = 32;
constexpr size_t kContiguous = 682;
constexpr size_t kMostTiles = 16;
// Chunks a thread, so that a late one finds some.
constexpr size_t kChunksPerThread = 4;
// Multiply-adds of a chunk that are worth waking a thread for.
constexpr size_t kGrainWork = size_t{1} << 18;

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

bool uses_windows(const ConvF32Shape& shape, const ConvF32Layout& layout, bool contiguous) {
  return shape.kernel_width > 1 && layout.taps * layout.depth <= kWindowFloats &&
         (layout.depth < kShortDepth || (contiguous && layout.taps * layout.depth <= kContiguous));
}

// An output pixel, and where the kernel's first tap meets the image. A coordinate in the padding
// wraps around to beyond the image.
struct Position {
  size_t out_y, out_x;
  size_t image, y, x;
};

Position position(const ConvF32Shape& shape, size_t pixel) {
  const size_t out_x = pixel % shape.out_width;
  const size_t out_y = pixel / shape.out_width % shape.out_height;
  return {out_y, out_x, pixel / shape.out_width / shape.out_height,
          out_y * shape.stride_y - shape.pad_top, out_x * shape.stride_x - shape.pad_left};
}

// To the next pixel, without a division.
void advance(const ConvF32Shape& shape, Position& at) {
  at.x += shape.stride_x;
  if (++at.out_x < shape.out_width) return;
  at.out_x = 0;
  at.x = size_t{0} - shape.pad_left;
  at.y += shape.stride_y;
  if (++at.out_y < shape.out_height) return;
  at.out_y = 0;
  at.y = size_t{0} - shape.pad_top;
  ++at.image;
}

// Where the pointers of a row go: tap t of it is `tile` * t further.
class Slots {
 public:
  Slots(const float** pointers, size_t taps, size_t tile)
      : tile_start_(pointers), taps_(taps), tile_(tile) {}
  const float** row() const { return tile_start_ + in_tile_; }
  void next() {
    if (++in_tile_ < tile_) return;
    in_tile_ = 0;
    tile_start_ += taps_ * tile_;
  }

 private:
  const float** tile_start_;
  size_t taps_, tile_;
  size_t in_tile_ = 0;
};

class Convolution {
 public:
  Convolution(const GemmF32Table& table, const ConvF32Args& args, size_t width);
  size_t count() const { return layout_.groups * blocks_ * layout_.panels; }
  size_t grain() const {
    const size_t work = k() * table_.panel * block_tiles_ * tile_;
    return std::max<size_t>(1, kGrainWork / std::max<size_t>(1, work));
  }
  void run(size_t begin, size_t end) const;

 private:
  size_t k() const { return layout_.taps * layout_.depth; }
  const float* pixel_at(const Position& at, size_t ky, size_t kx) const;
  void point_taps(size_t first, size_t rows, size_t group, const float** pointers) const;
  size_t point_windows(size_t first, size_t rows, size_t group, const float** pointers,
                       float* windows) const;
  void gather(const Position& at, size_t ky, size_t group, float* window) const;
  void run_block(size_t group, size_t block, size_t first_panel, size_t panels) const;
  void multiply(size_t group, size_t first, size_t rows, size_t first_panel, size_t panels,
                const float** pointers) const;

  const GemmF32Table& table_;
  const ConvF32Args& args_;
  const ConvF32Shape& shape_;
  ConvF32Layout layout_;
  size_t pixels_;
  // A tap of the register tiles is a kernel tap, or a window: all taps of a kernel row.
  bool windows_;
  bool contiguous_;
  size_t taps_;
  size_t depth_;
  size_t tile_;
  size_t block_tiles_;
  size_t blocks_;
};

Convolution::Convolution(const GemmF32Table& table, const ConvF32Args& args, size_t width)
    : table_(table), args_(args), shape_(args.shape), layout_(conv_f32_layout(table, args.shape)) {
  pixels_ = shape_.batch * shape_.out_height * shape_.out_width;
  contiguous_ = shape_.dilation_x == 1 && static_cast<size_t>(args.in_pixel) == layout_.depth;
  tile_ = ceil_div(pixels_, ceil_div(pixels_, table.tile_rows));
  windows_ = uses_windows(shape_, layout_, contiguous_);
  taps_ = windows_ ? shape_.kernel_height : layout_.taps;
  depth_ = windows_ ? shape_.kernel_width * layout_.depth : layout_.depth;
  assert(taps_ <= kPointers);
  tile_ = std::min(tile_, kPointers / taps_);
  block_tiles_ = std::min(kMostTiles, kPointers / (taps_ * tile_));
  const size_t tiles = ceil_div(pixels_, tile_);
  const size_t chunks = width > 1 ? kChunksPerThread * width : 1;
  const size_t parts = ceil_div(chunks, std::min(chunks, layout_.groups * layout_.panels));
  block_tiles_ = std::clamp<size_t>(ceil_div(tiles, parts), 1, block_tiles_);
  blocks_ = ceil_div(tiles, block_tiles_);
}

// Null in the padding.
const float* Convolution::pixel_at(const Position& at, size_t ky, size_t kx) const {
  const size_t y = at.y + ky * shape_.dilation_y;
  const size_t x = at.x + kx * shape_.dilation_x;
  if (y >= shape_.in_height || x >= shape_.in_width) return nullptr;
  const size_t pixel = (at.image * shape_.in_height + y) * shape_.in_width + x;
  return args_.in + static_cast<ptrdiff_t>(pixel) * args_.in_pixel;
}

void Convolution::point_taps(size_t first, size_t rows, size_t group,
                             const float** pointers) const {
  const float* zeros = args_.packed + layout_.zeros;
  Position at = position(shape_, first);
  Slots slots(pointers, taps_, tile_);
  for (size_t r = 0; r < rows; ++r, advance(shape_, at), slots.next()) {
    const float** slot = slots.row();
    for (size_t ky = 0; ky < shape_.kernel_height; ++ky)
      for (size_t kx = 0; kx < shape_.kernel_width; ++kx, slot += tile_) {
        const float* pixel = pixel_at(at, ky, kx);
        *slot = pixel != nullptr ? pixel + group * depth_ : zeros;
      }
  }
}

void Convolution::gather(const Position& at, size_t ky, size_t group, float* window) const {
  for (size_t kx = 0; kx < shape_.kernel_width; ++kx, window += layout_.depth) {
    const float* pixel = pixel_at(at, ky, kx);
    if (pixel != nullptr)
      std::copy_n(pixel + group * layout_.depth, layout_.depth, window);
    else
      std::fill_n(window, layout_.depth, 0.0F);
  }
}

// Gives how many rows were pointed at: as many as the copied windows have room for.
size_t Convolution::point_windows(size_t first, size_t rows, size_t group, const float** pointers,
                                  float* windows) const {
  const float* end = windows + kWindowFloats;
  Position at = position(shape_, first);
  Slots slots(pointers, taps_, tile_);
  for (size_t r = 0; r < rows; ++r, advance(shape_, at), slots.next()) {
    if (static_cast<size_t>(end - windows) < k()) return r;
    const bool inside = at.x < shape_.in_width && at.x + shape_.kernel_width <= shape_.in_width;
    const float** slot = slots.row();
    for (size_t ky = 0; ky < shape_.kernel_height; ++ky, slot += tile_) {
      const float* pixel = contiguous_ && inside ? pixel_at(at, ky, 0) : nullptr;
      if (pixel == nullptr) {
        gather(at, ky, group, windows);
        pixel = windows;
        windows += depth_;
      }
      *slot = pixel;
    }
  }
  return rows;
}

void Convolution::multiply(size_t group, size_t first, size_t rows, size_t first_panel,
                           size_t panels, const float** pointers) const {
  const size_t column = first_panel * table_.panel;
  const size_t channel = group * layout_.columns + column;
  GemmF32Block block;
  block.pointers = pointers;
  block.taps = taps_;
  block.depth = depth_;
  block.rows = rows;
  block.tile = tile_;
  block.columns = std::min(panels * table_.panel, layout_.columns - column);
  block.packed = args_.packed + group * layout_.group_size + column * k();
  block.panel_stride = table_.panel * k();
  block.out = args_.out + static_cast<ptrdiff_t>(first) * args_.out_pixel + channel;
  block.out_row = args_.out_pixel;
  block.epilogue = epilogue_at(args_.epilogue, first, channel);
  table_.block(block);
}

void Convolution::run_block(size_t group, size_t block_index, size_t first_panel,
                            size_t panels) const {
  const float* pointers[kPointers];
  float windows[kWindowFloats];
  const size_t begin = block_index * block_tiles_ * tile_;
  const size_t end = std::min(begin + block_tiles_ * tile_, pixels_);
  for (size_t first = begin; first < end;) {
    size_t rows = end - first;
    if (windows_)
      rows = point_windows(first, rows, group, pointers, windows);
    else
      point_taps(first, rows, group, pointers);
    multiply(group, first, rows, first_panel, panels, pointers);
    first += rows;
  }
}

void Convolution::run(size_t begin, size_t end) const {
  while (begin < end) {
    const size_t panel = begin % layout_.panels;
    const size_t block = begin / layout_.panels % blocks_;
    const size_t panels = std::min(end - begin, layout_.panels - panel);
    run_block(begin / (layout_.panels * blocks_), block, panel, panels);
    begin += panels;
  }
}

bool is_pointwise(const ConvF32Shape& shape) {
  return shape.groups == 1 && shape.kernel_height == 1 && shape.kernel_width == 1 &&
         shape.stride_y == 1 && shape.stride_x == 1 && shape.pad_top == 0 && shape.pad_left == 0 &&
         shape.in_height == shape.out_height && shape.in_width == shape.out_width;
}

void pointwise(const GemmF32Table& table, const ConvF32Args& args, Parallel& parallel) {
  GemmF32Args gemm;
  gemm.m = args.shape.batch * args.shape.out_height * args.shape.out_width;
  gemm.n = args.shape.out_channels;
  gemm.k = args.shape.in_channels;
  gemm.a = {args.in, args.in_pixel, 1};
  gemm.packed_b = args.packed;
  gemm.out = args.out;
  gemm.out_row = args.out_pixel;
  gemm.epilogue = args.epilogue;
  gemm_f32(table, gemm, parallel);
}

}  // namespace

bool conv_f32_fits(const ConvF32Shape& shape) {
  const size_t taps = shape.kernel_height * shape.kernel_width;
  const size_t depth = shape.in_channels / shape.groups;
  return taps <= kPointers ||
         (shape.kernel_height <= kPointers && depth < kShortDepth && taps * depth <= kWindowFloats);
}

void conv_f32(const GemmF32Table& table, const ConvF32Args& args, Parallel& parallel) {
  const ConvF32Shape& shape = args.shape;
  if (shape.batch * shape.out_height * shape.out_width * shape.out_channels == 0) return;
  if (is_pointwise(shape)) return pointwise(table, args, parallel);
  const Convolution convolution(table, args, parallel.width());
  parallel.for_ranges(convolution.count(), convolution.grain(),
                      [&](size_t begin, size_t end) { convolution.run(begin, end); });
}

}  // namespace octet::kernels
