#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/dispatch.h"
#include "kernels/fourier.h"

// Discrete Fourier transforms, kFourierLanes at a time: mixed radices by decimation in time (Cooley
// and Tukey 1965), O(n times the sum of n's prime factors). A cell is one element of all of them:
// kFourierLanes real parts, then as many imaginary ones; cells are aligned to 64 bytes.

namespace octet::kernels {

inline constexpr size_t kFourierLanes = 8;
inline constexpr size_t kFourierCell = 2 * kFourierLanes;  ///< Doubles of a cell.

using FourierF64Plan = FourierTransform<double>;

struct FourierF64Table {
  /// x and y: length cells each, apart; scratch: cells of the largest radix.
  void (*transform)(const FourierF64Plan& plan, const double* x, double* y, double* scratch);
  /// Real frames of `length` samples, `step` apart, times the window: frame l becomes the real
  /// parts of lane l, frame l + kFourierLanes its imaginary ones.
  void (*load_pairs)(const float* x, size_t step, const float* window, size_t length,
                     double* cells);
  /// The first `bins` points of those frames' transforms, from the cells' transform: [bins][2] for
  /// each, `step` floats apart.
  void (*store_pairs)(const double* cells, size_t length, size_t bins, float* y, size_t step);
};

using FourierF64Variant = Variant<FourierF64Table>;

std::span<const FourierF64Variant> fourier_f64_variants();
const FourierF64Variant& select_fourier_f64(CpuToken token);

}  // namespace octet::kernels
