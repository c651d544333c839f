#pragma once

#include <cstddef>
#include <span>

#include "kernels/conv_f32/conv_f32.h"

// 3x3 convolution of stride 1 over NHWC by Winograd's F(4x4, 3x3): out = A^T [(G g G^T) (B^T d B)]
// A with the points 0, 1, -1, 2, -2 and infinity (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2016). A tile of 4x4 outputs takes 36 multiplications instead of
// 144, as one product [tiles, input channels] x [input channels, output channels] for each of 36
// points.
//
// Results differ from conv_f32's by rounding: by less than 3e-5 of the largest output where inputs
// and weights are of one magnitude. Where an input isn't finite, all outputs of its tile may not
// be. Every instruction set and every split over threads gives the same bits.

namespace octet::kernels {

constexpr size_t kWinogradTile = 4;
constexpr size_t kWinogradWindow = 6;
constexpr size_t kWinogradPoints = kWinogradWindow * kWinogradWindow;

/// Input of a tile: B^T d B of each channel.
struct WinogradWindow {
  /// Channels of pixel (y, x) start at pixels[y * 6 + x].
  const float* pixels[kWinogradPoints];
  size_t channels = 0;  ///< A multiple of 16.
  /// Point p of channel c goes to out[p * plane + c].
  float* out = nullptr;
  size_t plane = 0;
};

/// Output of a tile: A^T m A of each channel, and what conv_f32's epilogue does to it; alpha is 1.
struct WinogradTile {
  /// Point p of channel c is at in[p * plane + c].
  const float* in = nullptr;
  size_t plane = 0;
  size_t channels = 0;  ///< A multiple of 16.
  /// How many of the 4x4 pixels exist.
  size_t rows = 0, columns = 0;
  /// Floats from a pixel to the one below or to its right.
  ptrdiff_t row = 0, pixel = 0;
  float* out = nullptr;
  /// Pointers are those of the tile's first pixel; addend and residual have the output's strides.
  GemmF32Epilogue epilogue;
};

struct WinogradF32Table {
  void (*read_window)(const WinogradWindow& window);
  void (*write_tile)(const WinogradTile& tile);
};

using WinogradF32Variant = Variant<WinogradF32Table>;

std::span<const WinogradF32Variant> winograd_f32_variants();
const WinogradF32Variant& select_winograd_f32(CpuToken token);

/// Whether the shape can be computed so: 3x3, stride and dilation 1, one group, channels in
/// sixteens.
bool winograd_f32_fits(const ConvF32Shape& shape);

/// Floats of the transformed weights: 36 packed B of gemm_f32, then a row of zeros that taps in the
/// padding read.
size_t winograd_f32_packed_size(const GemmF32Table& gemm, const ConvF32Shape& shape);
void winograd_f32_pack(const GemmF32Table& gemm, const ConvF32Shape& shape,
                       const ConvF32Weights& weights, float* packed, Parallel& parallel);

/// Floats of 64-byte aligned scratch for so many threads.
size_t winograd_f32_scratch_size(const ConvF32Shape& shape, size_t width);

/// `args` as for conv_f32, packed by winograd_f32_pack for the same `gemm`.
void winograd_f32(const GemmF32Table& gemm, const WinogradF32Table& table, const ConvF32Args& args,
                  float* scratch, Parallel& parallel);

}  // namespace octet::kernels
