#include "kernels/simd/scalar.h"

#include <cmath>

#include "kernels/winograd_f32/winograd_f32.h"

namespace octet::kernels {
namespace {

constexpr size_t kWindow = kWinogradWindow;
constexpr size_t kTile = kWinogradTile;

// B^T d, elements `step` apart.
void read_line(const float* d, size_t step, float* out) {
  const auto at = [&](size_t i) { return d[i * step]; };
  const float even = std::fma(-4.0F, at(2), at(4));
  const float odd = std::fma(-4.0F, at(1), at(3));
  const float near_even = at(4) - at(2);
  const float near_odd = 2.0F * (at(3) - at(1));
  out[0] = std::fma(4.0F, at(0), std::fma(-5.0F, at(2), at(4)));
  out[step] = even + odd;
  out[2 * step] = even - odd;
  out[3 * step] = near_even + near_odd;
  out[4 * step] = near_even - near_odd;
  out[5 * step] = std::fma(4.0F, at(1), std::fma(-5.0F, at(3), at(5)));
}

// A^T m, likewise.
void write_line(const float* m, size_t step, float* out) {
  const auto at = [&](size_t i) { return m[i * step]; };
  const float sum1 = at(1) + at(2);
  const float sum2 = at(3) + at(4);
  const float difference1 = at(1) - at(2);
  const float difference2 = at(3) - at(4);
  out[0] = at(0) + sum1 + sum2;
  out[step] = std::fma(2.0F, difference2, difference1);
  out[2 * step] = std::fma(4.0F, sum2, sum1);
  out[3 * step] = std::fma(8.0F, difference2, difference1) + at(5);
}

void read_window(const WinogradWindow& window) {
  for (size_t c = 0; c < window.channels; ++c) {
    float d[kWinogradPoints];
    float columns[kWinogradPoints];
    float points[kWinogradPoints];
    for (size_t p = 0; p < kWinogradPoints; ++p) d[p] = window.pixels[p][c];
    for (size_t x = 0; x < kWindow; ++x) read_line(d + x, kWindow, columns + x);
    for (size_t y = 0; y < kWindow; ++y) read_line(columns + y * kWindow, 1, points + y * kWindow);
    for (size_t p = 0; p < kWinogradPoints; ++p) window.out[p * window.plane + c] = points[p];
  }
}

void write_tile(const WinogradTile& tile) {
  const GemmF32Epilogue& e = tile.epilogue;
  for (size_t c = 0; c < tile.channels; ++c) {
    float m[kWinogradPoints];
    float columns[kTile * kWindow];
    float pixels[kTile * kTile];
    for (size_t p = 0; p < kWinogradPoints; ++p) m[p] = tile.in[p * tile.plane + c];
    for (size_t x = 0; x < kWindow; ++x) write_line(m + x, kWindow, columns + x);
    for (size_t y = 0; y < kTile; ++y) write_line(columns + y * kWindow, 1, pixels + y * kTile);
    for (size_t y = 0; y < tile.rows; ++y)
      for (size_t x = 0; x < tile.columns; ++x) {
        const ptrdiff_t at = static_cast<ptrdiff_t>(y) * tile.row +
                             static_cast<ptrdiff_t>(x) * tile.pixel + static_cast<ptrdiff_t>(c);
        float value = pixels[y * kTile + x] + (e.bias != nullptr ? e.bias[c] : 0.0F);
        if (e.addend != nullptr) value = std::fma(e.beta, e.addend[at], value);
        value = simd::activate(value, e.activation);
        if (e.residual != nullptr) value += e.residual[at];
        tile.out[at] = value;
      }
  }
}

}  // namespace

extern const WinogradF32Table winograd_f32_scalar;
const WinogradF32Table winograd_f32_scalar = {read_window, write_tile};

}  // namespace octet::kernels
