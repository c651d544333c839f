#include "kernels/simd/scalar.h"

#include <cmath>

#include "kernels/layernorm_f32/layernorm_f32.h"

namespace octet::kernels {
namespace {

float inverse_deviation(float square_sum, size_t n, float epsilon) {
  return 1.0F / std::sqrt(square_sum / static_cast<float>(n) + epsilon);
}

void moments(const float* x, size_t n, float epsilon, float* mean, float* inverse) {
  const float sum = simd::sum_lanes(n, [&](float lane, size_t i) { return lane + x[i]; });
  const float center = sum / static_cast<float>(n);
  const float squares = simd::sum_lanes(n, [&](float lane, size_t i) {
    const float d = x[i] - center;
    return std::fma(d, d, lane);
  });
  *mean = center;
  *inverse = inverse_deviation(squares, n, epsilon);
}

void normalize(const float* x, float* y, size_t n, float mean, float inverse, float scale,
               float bias) {
  for (size_t i = 0; i < n; ++i) y[i] = std::fma((x[i] - mean) * inverse, scale, bias);
}

void row(const LayerNormF32Args& args, size_t r) {
  const size_t n = args.n;
  const float* x = args.x + r * n;
  const float* residual = args.residual != nullptr ? args.residual + r * n : nullptr;
  const auto at = [&](size_t i) { return residual != nullptr ? x[i] + residual[i] : x[i]; };
  const float sum = simd::sum_lanes(n, [&](float lane, size_t i) { return lane + at(i); });
  const float mean = args.kind == NormF32::layer ? sum / static_cast<float>(n) : 0.0F;
  const float squares = simd::sum_lanes(n, [&](float lane, size_t i) {
    const float d = at(i) - mean;
    return std::fma(d, d, lane);
  });
  const float inverse = inverse_deviation(squares, n, args.epsilon);
  for (size_t i = 0; i < n; ++i) {
    const float value = at(i);
    if (args.sum != nullptr) args.sum[r * n + i] = value;
    const float end =
        std::fma((value - mean) * inverse, args.scale != nullptr ? args.scale[i] : 1.0F,
                 args.bias != nullptr ? args.bias[i] : 0.0F);
    if (args.codes != nullptr)
      args.codes[r * n + i] = simd::code(end, args.rounding);
    else
      args.y[r * n + i] = end;
  }
  if (args.mean != nullptr && args.kind == NormF32::layer) args.mean[r] = mean;
  if (args.inverse != nullptr) args.inverse[r] = inverse;
}

void rows(const LayerNormF32Args& args, size_t begin, size_t end) {
  for (size_t r = begin; r < end; ++r) row(args, r);
}

}  // namespace

extern const LayerNormF32Table layernorm_f32_scalar;
const LayerNormF32Table layernorm_f32_scalar = {rows, moments, normalize};

}  // namespace octet::kernels
