#include "kernels/fourier_f32/fourier_f32.h"

#include <numbers>

#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  size_t length;
  std::vector<size_t> radices;  // Of half the length.
};

const Case kCases[] = {{2, {}},
                       {4, {2}},
                       {6, {3}},
                       {16, {8}},
                       {20, {2, 5}},
                       {400, {2, 2, 2, 5, 5}},
                       {512, {4, 4, 4, 4}}};

std::vector<float> roots_of(size_t length, size_t count) {
  std::vector<float> roots;
  for (size_t k = 0; k < count; ++k) {
    const double angle =
        -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(length);
    roots.push_back(static_cast<float>(std::cos(angle)));
    roots.push_back(static_cast<float>(std::sin(angle)));
  }
  return roots;
}

struct alignas(64) Cell {
  float parts[kSpectrumCell];
};

// The power of bin k of a windowed frame, as it is defined.
double power_of(const float* x, const std::vector<float>& window, size_t k) {
  const size_t n = window.size();
  double re = 0, im = 0;
  for (size_t i = 0; i < n; ++i) {
    const double angle =
        -2 * std::numbers::pi * static_cast<double>(i * k % n) / static_cast<double>(n);
    const double sample = static_cast<double>(x[i]) * static_cast<double>(window[i]);
    re += sample * std::cos(angle);
    im += sample * std::sin(angle);
  }
  return re * re + im * im;
}

}  // namespace

TEST_CASE("fourier_f32: powers of frames as they are defined, the same bits on every row") {
  for (const Case& c : kCases) {
    CAPTURE(c.length);
    const size_t half = c.length / 2, bins = half + 1, step = c.length / 3 + 1;
    std::vector<float> x = random_floats(step * (kSpectrumLanes - 1) + c.length, 7);
    const std::vector<float> window = random_floats(c.length, 8);
    // Loud samples: the frames that have none of them are as exact as without.
    for (size_t i = 0; i < step; ++i) x[i] *= 1e6F;
    const std::vector<float> roots = roots_of(half, half), turns = roots_of(c.length, half / 2 + 1);
    const FourierF32Plan plan{half, roots.data(), c.radices.data(), -1};
    std::vector<Cell> oracle;
    for_each_row(fourier_f32_variants(), select_fourier_f32, [&](const FourierF32Variant& variant) {
      std::vector<Cell> cells(half), points(half), scratch(half + 1), powers(bins);
      variant.table->load_frames(x.data(), step, window.data(), c.length, cells[0].parts);
      variant.table->transform(plan, cells[0].parts, points[0].parts, scratch[0].parts);
      variant.table->power(points[0].parts, c.length, turns.data(), powers[0].parts);
      if (oracle.empty()) oracle = powers;
      CHECK(std::memcmp(powers.data(), oracle.data(), bins * kSpectrumLanes * sizeof(float)) == 0);
    });
    for (size_t f = 0; f < kSpectrumLanes; ++f) {
      double whole = 0;
      for (size_t k = 0; k < bins; ++k) whole += power_of(&x[f * step], window, k);
      for (size_t k = 0; k < bins; ++k) {
        const double power = power_of(&x[f * step], window, k);
        const double error = static_cast<double>(oracle[0].parts[k * kSpectrumLanes + f]) - power;
        // Amplitudes are off by some 2^-22 of the frame's.
        REQUIRE(std::fabs(error) < 1e-6 * std::sqrt(whole * power) + 1e-12 * whole);
      }
    }
  }
}

TEST_CASE("fourier_f32: sums of bands") {
  constexpr size_t kBins = 40;
  const std::vector<size_t> firsts = {0, 3, 0, 17, 39}, begins = {0, 1, 5, 5, 28, 29};
  const std::vector<float> weights = random_floats(29, 4);
  const std::vector<float> bins = random_floats(kBins * kSpectrumLanes, 5);
  alignas(64) float aligned[kBins * kSpectrumLanes];
  std::copy(bins.begin(), bins.end(), aligned);
  const SpectrumBands bands{5, firsts.data(), begins.data(), weights.data()};
  constexpr size_t kRow = 7;
  for (const size_t frames : {size_t{1}, size_t{9}, kSpectrumLanes}) {
    std::vector<float> oracle;
    for_each_row(fourier_f32_variants(), select_fourier_f32, [&](const FourierF32Variant& variant) {
      std::vector<float> y(kSpectrumLanes * kRow, 5.0F);
      variant.table->sum_bands(aligned, bands, frames, y.data(), kRow);
      if (oracle.empty()) oracle = y;
      CHECK(first_difference(y.data(), oracle.data(), y.size()) == y.size());
    });
    for (size_t f = 0; f < kSpectrumLanes; ++f)
      for (size_t j = 0; j < kRow; ++j) {
        double sum = f < frames && j < 5 ? 0 : 5;
        for (size_t i = begins[std::min<size_t>(j, 5)]; sum != 5 && i < begins[j + 1]; ++i)
          sum += static_cast<double>(weights[i]) *
                 static_cast<double>(bins[(firsts[j] + i - begins[j]) * kSpectrumLanes + f]);
        CHECK(oracle[f * kRow + j] == doctest::Approx(sum).epsilon(1e-5));
      }
  }
}
