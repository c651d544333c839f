#include "kernels/fourier_f32/fourier_f32.h"

namespace octet::kernels {
namespace {

using Real = float;
using Lanes = float;
constexpr size_t kWidth = 1;
constexpr size_t kLanes = kSpectrumLanes;
constexpr size_t kCell = kSpectrumCell;

#include "kernels/fourier_f32/spectra.inl"
void load_frames(const float* x, size_t step, const float* window, size_t length, float* cells) {
  load_samples(x, step, window, 0, length, cells);
}

}  // namespace

extern const FourierF32Table fourier_f32_scalar;
const FourierF32Table fourier_f32_scalar = {transform, load_frames, power, sum_bands};

}  // namespace octet::kernels
