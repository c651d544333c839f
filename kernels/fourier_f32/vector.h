#pragma once

// fourier_f32 over the floats of one register, included once by each instruction set's file after
// it has said how many these are (OCTET_FOURIER_WIDTH).

#include "kernels/fourier_f32/fourier_f32.h"
#include "kernels/simd/transpose.h"

namespace octet::kernels {
namespace {

using Real = float;
constexpr size_t kWidth = OCTET_FOURIER_WIDTH;
constexpr size_t kLanes = kSpectrumLanes;
constexpr size_t kCell = kSpectrumCell;
typedef float Lanes __attribute__((vector_size(4 * kWidth), may_alias));

#include "kernels/fourier_f32/spectra.inl"
void load_frames(const float* x, size_t step, const float* window, size_t length, float* cells) {
  constexpr size_t kTile = 8;  // Samples, and frames, that are transposed at a time.
  const auto row = static_cast<ptrdiff_t>(step);
  size_t i = 0;
  for (; i + kTile <= length; i += kTile) {
    float* to = cells + i * kLanes;
    for (size_t lane = 0; lane < kLanes; lane += kTile)
      simd::transpose8x8(x + lane * step + i, row, to + lane, kLanes);
    for (size_t j = 0; j < kTile; ++j)
      for (size_t l = 0; l < kLanes; l += kWidth)
        *reinterpret_cast<Lanes*>(to + j * kLanes + l) *= window[i + j];
  }
  load_samples(x, step, window, i, length, cells);
}

}  // namespace
}  // namespace octet::kernels
