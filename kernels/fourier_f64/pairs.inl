// Pairs of real frames into and out of cells, sample by sample and point by point. Included inside
// an anonymous namespace.

#include "kernels/fourier_passes.inl"

void load_sample(const float* x, size_t step, float window, double* cell) {
  for (size_t l = 0; l < kFourierCell; ++l)
    cell[l] = static_cast<double>(x[l * step]) * static_cast<double>(window);
}

void store_point(const double* cells, size_t length, size_t k, float* y, size_t step) {
  for (size_t l = 0; l < kFourierLanes; l += kWidth) {
    const Pair pair = pair_of(cells, length, k, l);
    alignas(64) double lanes[4 * kWidth];
    __builtin_memcpy(lanes, &pair, sizeof(pair));
    for (size_t i = 0; i < kWidth; ++i) {
      float* first = y + (l + i) * step + 2 * k;
      float* second = first + kFourierLanes * step;
      first[0] = static_cast<float>(lanes[i]);
      first[1] = static_cast<float>(lanes[kWidth + i]);
      second[0] = static_cast<float>(lanes[2 * kWidth + i]);
      second[1] = static_cast<float>(lanes[3 * kWidth + i]);
    }
  }
}
