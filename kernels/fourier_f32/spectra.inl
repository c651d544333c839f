// Powers and bands over `Lanes`. Included inside an anonymous namespace.

#include "kernels/fourier_passes.inl"

#define OCTET_INLINE __attribute__((always_inline))

// Samples from the i-th on.
void load_samples(const float* x, size_t step, const float* window, size_t i, size_t length,
                  float* cells) {
  for (; i < length; ++i)
    for (size_t l = 0; l < kLanes; ++l) cells[i * kLanes + l] = x[l * step + i] * window[i];
}

// Bins k and length / 2 - k: the transforms of even and of odd samples, the latter turned, added
// and subtracted.
void power(const float* cells, size_t length, const float* turns, float* bins) {
  const size_t half = length / 2;
  const auto square = [&](size_t k, size_t l, const Part& x) OCTET_INLINE {
    *reinterpret_cast<Lanes*>(bins + k * kLanes + l) = x.re * x.re + x.im * x.im;
  };
  for (size_t k = 0; k <= half / 2; ++k) {
    const Root root = {turns[2 * k], turns[2 * k + 1]};
    for (size_t l = 0; l < kLanes; l += kWidth) {
      const Pair pair = pair_of(cells, half, k, l);
      const Part odd = turned(pair.second, root);
      square(k, l, plus(pair.first, odd));
      square(half - k, l, minus(pair.first, odd));
    }
  }
}

void sum_bands(const float* bins, const SpectrumBands& bands, size_t frames, float* y,
               size_t step) {
  for (size_t j = 0; j < bands.count; ++j) {
    alignas(64) float sums[kLanes];
    const float* bin = bins + bands.firsts[j] * kLanes;
    for (size_t l = 0; l < kLanes; l += kWidth) {
      Lanes even = {}, odd = {};
      const auto at = [&](size_t i) OCTET_INLINE {
        return *reinterpret_cast<const Lanes*>(bin + (i - bands.begins[j]) * kLanes + l) *
               bands.weights[i];
      };
      size_t i = bands.begins[j];
      for (; i + 2 <= bands.begins[j + 1]; i += 2) {
        even += at(i);
        odd += at(i + 1);
      }
      if (i < bands.begins[j + 1]) even += at(i);
      *reinterpret_cast<Lanes*>(sums + l) = even + odd;
    }
    for (size_t f = 0; f < frames; ++f) y[f * step + j] = sums[f];
  }
}

#undef OCTET_INLINE
