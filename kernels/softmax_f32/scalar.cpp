#include "kernels/simd/scalar.h"

#include <cmath>
#include <limits>

#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::kernels {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

void finish(float* y, const float* x, size_t axis, size_t step, float max, float sum,
            bool logarithm) {
  const float inverse = 1.0F / sum;
  const float log_sum = logarithm ? math::log(sum) : 0.0F;
  for (size_t i = 0; i < axis * step; i += step)
    y[i] = logarithm ? (x[i] - max) - log_sum : y[i] * inverse;
}

float lane_maximum(const float* x, size_t axis) {
  return simd::combine_lanes(axis, kLowest, simd::max,
                             [&](float lane, size_t i) { return simd::max(lane, x[i]); });
}

void row(const float* x, float* y, size_t axis, bool logarithm) {
  const float max = lane_maximum(x, axis);
  const float sum = simd::sum_lanes(axis, [&](float lane, size_t i) {
    const float e = math::exp(x[i] - max);
    if (!logarithm) y[i] = e;
    return lane + e;
  });
  finish(y, x, axis, 1, max, sum, logarithm);
}

void columns(const float* x, float* y, size_t axis, size_t inner, size_t columns, bool logarithm) {
  for (size_t c = 0; c < columns; ++c) {
    float max = kLowest;
    for (size_t i = c; i < axis * inner; i += inner) max = simd::max(max, x[i]);
    float sum = 0.0F;
    for (size_t i = c; i < axis * inner; i += inner) {
      const float e = math::exp(x[i] - max);
      if (!logarithm) y[i] = e;
      sum += e;
    }
    finish(y + c, x + c, axis, inner, max, sum, logarithm);
  }
}

// Row r with its addends.
float* scores(const SoftmaxCodesArgs& args, size_t r) {
  float* line = args.x + r * args.x_stride;
  for (size_t i = 0; args.addend != nullptr && i < args.axis; ++i)
    line[i] += args.addend[r * args.addend_stride + i * args.addend_step];
  return line;
}

void rows(const SoftmaxCodesArgs& args) {
  for (size_t r = 0; r < args.rows; ++r) {
    float* line = scores(args, r);
    row(line, line, args.axis, false);
  }
}

void codes(const SoftmaxCodesArgs& args) {
  for (size_t r = 0; r < args.rows; ++r) {
    float* line = scores(args, r);
    const float max = lane_maximum(line, args.axis);
    const float sum = simd::sum_lanes(args.axis, [&](float lane, size_t i) {
      line[i] = simd::rough_exp(line[i] - max);
      return lane + line[i];
    });
    const float factor = 1.0F / (sum * args.rounding.scale);
    for (size_t i = 0; i < args.axis; ++i)
      args.y[r * args.y_stride + i] = simd::step_code(line[i] * factor, args.rounding);
  }
}

void fill(float* x, const uint8_t* mask, float value, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (mask[i] != 0) x[i] = value;
}

}  // namespace

extern const SoftmaxF32Table softmax_f32_scalar;
const SoftmaxF32Table softmax_f32_scalar = {row, rows, columns, codes, fill};

}  // namespace octet::kernels
