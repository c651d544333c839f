#pragma once

// fourier_f64 over the doubles of one register, included once by each instruction set's file after
// it has said how many these are (OCTET_FOURIER_WIDTH).

#include "kernels/fourier_f64/fourier_f64.h"
#include "kernels/simd/transpose.h"

namespace octet::kernels {
namespace {

using Real = double;
constexpr size_t kWidth = OCTET_FOURIER_WIDTH;
constexpr size_t kLanes = kFourierLanes;
constexpr size_t kCell = kFourierCell;
typedef double Lanes __attribute__((vector_size(8 * kWidth), may_alias));
typedef float Narrow __attribute__((vector_size(4 * kWidth), may_alias));

#include "kernels/fourier_f64/pairs.inl"
constexpr size_t kTile = 8;  // Floats that are transposed at a time, along either axis.

void load_pairs(const float* x, size_t step, const float* window, size_t length, double* cells) {
  const auto row = static_cast<ptrdiff_t>(step);
  size_t i = 0;
  for (; i + kTile <= length; i += kTile) {
    alignas(64) float tile[kTile * kFourierCell];
    for (size_t half = 0; half < kFourierCell; half += kTile)
      simd::transpose8x8(x + half * step + i, row, tile + half, kFourierCell);
    for (size_t j = 0; j < kTile; ++j) {
      const double factor = static_cast<double>(window[i + j]);
      for (size_t l = 0; l < kFourierCell; l += kWidth) {
        const Narrow samples = *reinterpret_cast<const Narrow*>(tile + j * kFourierCell + l);
        *reinterpret_cast<Lanes*>(cells + (i + j) * kFourierCell + l) =
            __builtin_convertvector(samples, Lanes) * factor;
      }
    }
  }
  for (; i < length; ++i) load_sample(x + i, step, window[i], cells + i * kFourierCell);
}

void store_pairs(const double* cells, size_t length, size_t bins, float* y, size_t step) {
  const auto row = static_cast<ptrdiff_t>(step);
  const auto narrow = [](float* to, const Lanes& lanes) __attribute__((always_inline)) {
    *reinterpret_cast<Narrow*>(to) = __builtin_convertvector(lanes, Narrow);
  };
  constexpr size_t kPoints = kTile / 2;
  size_t k = 0;
  for (; k + kPoints <= bins; k += kPoints) {
    alignas(64) float tiles[2][kTile * kFourierLanes];
    for (size_t j = 0; j < kPoints; ++j)
      for (size_t l = 0; l < kFourierLanes; l += kWidth) {
        const Pair pair = pair_of(cells, length, k + j, l);
        const size_t at = 2 * j * kFourierLanes + l;
        narrow(tiles[0] + at, pair.first.re);
        narrow(tiles[0] + at + kFourierLanes, pair.first.im);
        narrow(tiles[1] + at, pair.second.re);
        narrow(tiles[1] + at + kFourierLanes, pair.second.im);
      }
    for (size_t half = 0; half < 2; ++half)
      simd::transpose8x8(tiles[half], kTile, y + half * kFourierLanes * step + 2 * k, row);
  }
  for (; k < bins; ++k) store_point(cells, length, k, y, step);
}

}  // namespace
}  // namespace octet::kernels
