#include <algorithm>
#include <cassert>
#include <vector>

#include "kernels/winograd_f32/winograd_f32.h"

namespace octet::kernels {
namespace {

constexpr size_t kPoints = kWinogradPoints;
constexpr size_t kWindow = kWinogradWindow;
constexpr size_t kTile = kWinogradTile;
constexpr size_t kTaps = 3;
// Floats of a pass's points, input and output, that a thread should find in its caches.
constexpr size_t kPassFloats = size_t{256} << 10;
// So many tiles at least, that weights aren't read for less than two register tiles.
constexpr size_t kLeastTiles = 24;
// Multiply-adds of a chunk that are worth waking a thread for, and floats that are moved.
constexpr size_t kGrainWork = size_t{1} << 18;
constexpr size_t kGrainFloats = size_t{1} << 15;
// Planes a multiple of 4 KB apart would lie in one set of a cache.
constexpr size_t kSkew = 16;

constexpr double kG[kWindow][kTaps] = {
    {1.0 / 4, 0.0, 0.0},           {-1.0 / 6, -1.0 / 6, -1.0 / 6}, {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6}, {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0.0, 0.0, 1.0}};

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

size_t tile_count(const ConvF32Shape& shape) {
  return shape.batch * ceil_div(shape.out_height, kTile) * ceil_div(shape.out_width, kTile);
}

// Tiles of a pass, nearly the same for each.
size_t pass_tiles(const ConvF32Shape& shape, size_t width) {
  const size_t fitting = kPassFloats / (kPoints * (shape.in_channels + shape.out_channels));
  const size_t count = std::max<size_t>(1, tile_count(shape));
  const size_t most = std::max(kLeastTiles, fitting) * width;
  return ceil_div(count, ceil_div(count, most));
}

size_t plane(size_t tiles, size_t channels) { return tiles * channels + kSkew; }

// Point `p` of G g G^T for one pair of channels.
float transformed(const float* g, const ConvF32Weights& weights, size_t p) {
  double sum = 0.0;
  for (size_t y = 0; y < kTaps; ++y)
    for (size_t x = 0; x < kTaps; ++x)
      sum += kG[p / kWindow][y] * kG[p % kWindow][x] *
             static_cast<double>(g[static_cast<ptrdiff_t>(y) * weights.kernel_y +
                                   static_cast<ptrdiff_t>(x) * weights.kernel_x]);
  return static_cast<float>(sum);
}

// Floats of the packed weights of a point.
size_t point_size(const GemmF32Table& gemm, const ConvF32Shape& shape) {
  return ceil_div(gemm_f32_packed_size(gemm, shape.in_channels, shape.out_channels), 16) * 16;
}

// Tiles of one pass, numbered from `first`, in three steps that each need the one before.
class Pass {
 public:
  Pass(const GemmF32Table& gemm, const WinogradF32Table& table, const ConvF32Args& args,
       size_t first, size_t tiles, float* scratch)
      : gemm_(gemm),
        table_(table),
        args_(args),
        shape_(args.shape),
        first_(first),
        tiles_(tiles),
        in_(scratch),
        in_plane_(plane(tiles, shape_.in_channels)),
        out_(scratch + kPoints * in_plane_),
        out_plane_(plane(tiles, shape_.out_channels)) {}
  void run(Parallel& parallel) const;

 private:
  struct Place {
    size_t image, y, x;
  };
  Place place(size_t tile) const;
  void read(size_t tile) const;
  void multiply(size_t point, size_t first_panel, size_t panels) const;
  void write(size_t tile) const;

  const GemmF32Table& gemm_;
  const WinogradF32Table& table_;
  const ConvF32Args& args_;
  const ConvF32Shape& shape_;
  size_t first_, tiles_;
  float* in_;
  size_t in_plane_;
  float* out_;
  size_t out_plane_;
};

// Of the first output pixel.
Pass::Place Pass::place(size_t tile) const {
  const size_t columns = ceil_div(shape_.out_width, kTile);
  const size_t rows = ceil_div(shape_.out_height, kTile);
  const size_t index = first_ + tile;
  return {index / columns / rows, index / columns % rows * kTile, index % columns * kTile};
}

void Pass::read(size_t tile) const {
  const Place at = place(tile);
  const float* zeros = args_.packed + kPoints * point_size(gemm_, shape_);
  WinogradWindow window;
  for (size_t i = 0; i < kWindow; ++i)
    for (size_t j = 0; j < kWindow; ++j) {
      // Coordinates in the padding wrap around to beyond the image.
      const size_t y = at.y + i - shape_.pad_top;
      const size_t x = at.x + j - shape_.pad_left;
      const size_t pixel = (at.image * shape_.in_height + y) * shape_.in_width + x;
      window.pixels[i * kWindow + j] =
          y < shape_.in_height && x < shape_.in_width
              ? args_.in + static_cast<ptrdiff_t>(pixel) * args_.in_pixel
              : zeros;
    }
  window.channels = shape_.in_channels;
  window.out = in_ + tile * shape_.in_channels;
  window.plane = in_plane_;
  table_.read_window(window);
}

void Pass::multiply(size_t point, size_t first_panel, size_t panels) const {
  const size_t column = first_panel * gemm_.panel;
  GemmF32Block block;
  block.a = {in_ + point * in_plane_, static_cast<ptrdiff_t>(shape_.in_channels), 1};
  block.depth = shape_.in_channels;
  block.rows = tiles_;
  block.tile = ceil_div(tiles_, ceil_div(tiles_, gemm_.tile_rows));
  block.columns = std::min(panels * gemm_.panel, shape_.out_channels - column);
  block.packed = args_.packed + point * point_size(gemm_, shape_) + column * shape_.in_channels;
  block.panel_stride = gemm_.panel * shape_.in_channels;
  block.out = out_ + point * out_plane_ + column;
  block.out_row = static_cast<ptrdiff_t>(shape_.out_channels);
  gemm_.block(block);
}

void Pass::write(size_t tile) const {
  const Place at = place(tile);
  const size_t pixel = (at.image * shape_.out_height + at.y) * shape_.out_width + at.x;
  const ptrdiff_t offset = static_cast<ptrdiff_t>(pixel) * args_.out_pixel;
  WinogradTile to;
  to.in = out_ + tile * shape_.out_channels;
  to.plane = out_plane_;
  to.channels = shape_.out_channels;
  to.rows = std::min(kTile, shape_.out_height - at.y);
  to.columns = std::min(kTile, shape_.out_width - at.x);
  to.row = static_cast<ptrdiff_t>(shape_.out_width) * args_.out_pixel;
  to.pixel = args_.out_pixel;
  to.out = args_.out + offset;
  to.epilogue = args_.epilogue;
  if (to.epilogue.addend != nullptr) to.epilogue.addend += offset;
  if (to.epilogue.residual != nullptr) to.epilogue.residual += offset;
  table_.write_tile(to);
}

void Pass::run(Parallel& parallel) const {
  const size_t panels = ceil_div(shape_.out_channels, gemm_.panel);
  const size_t work = std::max<size_t>(1, tiles_ * shape_.in_channels * gemm_.panel);
  const auto grain = [](size_t channels) {
    return std::max<size_t>(1, kGrainFloats / (kPoints * channels));
  };
  parallel.for_ranges(tiles_, grain(shape_.in_channels), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) read(i);
  });
  parallel.for_ranges(kPoints * panels, std::max<size_t>(1, kGrainWork / work),
                      [&](size_t begin, size_t end) {
                        while (begin < end) {
                          const size_t panel = begin % panels;
                          const size_t count = std::min(end - begin, panels - panel);
                          multiply(begin / panels, panel, count);
                          begin += count;
                        }
                      });
  parallel.for_ranges(tiles_, grain(shape_.out_channels), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) write(i);
  });
}

}  // namespace

bool winograd_f32_fits(const ConvF32Shape& shape) {
  return shape.groups == 1 && shape.kernel_height == kTaps && shape.kernel_width == kTaps &&
         shape.stride_y == 1 && shape.stride_x == 1 && shape.dilation_y == 1 &&
         shape.dilation_x == 1 && shape.in_channels % 16 == 0 && shape.out_channels % 16 == 0;
}

size_t winograd_f32_packed_size(const GemmF32Table& gemm, const ConvF32Shape& shape) {
  return kPoints * point_size(gemm, shape) + shape.in_channels;
}

void winograd_f32_pack(const GemmF32Table& gemm, const ConvF32Shape& shape,
                       const ConvF32Weights& weights, float* packed, Parallel& parallel) {
  assert(winograd_f32_fits(shape));
  const size_t size = point_size(gemm, shape);
  std::vector<float> point(shape.in_channels * shape.out_channels);
  for (size_t p = 0; p < kPoints; ++p) {
    for (size_t i = 0; i < shape.in_channels; ++i)
      for (size_t o = 0; o < shape.out_channels; ++o)
        point[i * shape.out_channels + o] =
            transformed(weights.data + static_cast<ptrdiff_t>(o) * weights.output +
                            static_cast<ptrdiff_t>(i) * weights.input,
                        weights, p);
    const MatrixF32 b{point.data(), static_cast<ptrdiff_t>(shape.out_channels), 1};
    gemm_f32_pack(gemm, b, shape.in_channels, shape.out_channels, packed + p * size, parallel);
  }
  std::fill_n(packed + kPoints * size, shape.in_channels, 0.0F);
}

size_t winograd_f32_scratch_size(const ConvF32Shape& shape, size_t width) {
  const size_t tiles = pass_tiles(shape, width);
  return kPoints * (plane(tiles, shape.in_channels) + plane(tiles, shape.out_channels));
}

void winograd_f32(const GemmF32Table& gemm, const WinogradF32Table& table, const ConvF32Args& args,
                  float* scratch, Parallel& parallel) {
  assert(winograd_f32_fits(args.shape));
  const size_t count = tile_count(args.shape);
  const size_t tiles = pass_tiles(args.shape, parallel.width());
  for (size_t first = 0; first < count; first += tiles)
    Pass(gemm, table, args, first, std::min(tiles, count - first), scratch).run(parallel);
}

}  // namespace octet::kernels
