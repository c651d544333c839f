#include "kernels/fourier_f64/fourier_f64.h"

namespace octet::kernels {
namespace {

using Lanes = double;
using Real = double;
constexpr size_t kWidth = 1;
constexpr size_t kLanes = kFourierLanes;
constexpr size_t kCell = kFourierCell;

#include "kernels/fourier_f64/pairs.inl"
void load_pairs(const float* x, size_t step, const float* window, size_t length, double* cells) {
  for (size_t i = 0; i < length; ++i) load_sample(x + i, step, window[i], cells + i * kFourierCell);
}

void store_pairs(const double* cells, size_t length, size_t bins, float* y, size_t step) {
  for (size_t k = 0; k < bins; ++k) store_point(cells, length, k, y, step);
}

}  // namespace

extern const FourierF64Table fourier_f64_scalar;
const FourierF64Table fourier_f64_scalar = {transform, load_pairs, store_pairs};

}  // namespace octet::kernels
