#pragma once

#include <cstddef>
#include <span>

#include "kernels/dispatch.h"
#include "kernels/fourier.h"

// Power spectra of real frames of an even length, kSpectrumLanes frames at a time. A frame's
// transform is that of its even and odd samples as real and imaginary parts, of half the length, so
// that no frame's rounding reaches another. A cell is one element of all of them: kSpectrumLanes
// real parts, then as many imaginary ones; cells are aligned to 64 bytes.

namespace octet::kernels {

inline constexpr size_t kSpectrumLanes = 16;
inline constexpr size_t kSpectrumCell = 2 * kSpectrumLanes;  ///< Floats of a cell.

using FourierF32Plan = FourierTransform<float>;

/// Sums over neighbouring bins: band j is the sum of weights[begins[j] + i] times bin firsts[j] +
/// i.
struct SpectrumBands {
  size_t count;
  const size_t* firsts;
  const size_t* begins;  ///< [count + 1]
  const float* weights;
};

struct FourierF32Table {
  /// x and y: length cells each, apart; scratch: cells of the largest radix.
  void (*transform)(const FourierF32Plan& plan, const float* x, float* y, float* scratch);
  /// Frames of `length` samples, `step` apart, times the window, as length / 2 cells.
  void (*load_frames)(const float* x, size_t step, const float* window, size_t length,
                      float* cells);
  /// Squares of the absolute values of the frames' transforms, [length / 2 + 1][kSpectrumLanes],
  /// from the transform of `load_frames`' cells. turns: e^(-2 pi i k / length), [length / 4 +
  /// 1][2].
  void (*power)(const float* cells, size_t length, const float* turns, float* bins);
  /// Bands of each of the first `frames` lanes, `step` floats apart.
  void (*sum_bands)(const float* bins, const SpectrumBands& bands, size_t frames, float* y,
                    size_t step);
};

using FourierF32Variant = Variant<FourierF32Table>;

std::span<const FourierF32Variant> fourier_f32_variants();
const FourierF32Variant& select_fourier_f32(CpuToken token);

}  // namespace octet::kernels
