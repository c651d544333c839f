#include "kernels/math/neon.h"

#include "kernels/math/math.h"

namespace octet::kernels {
namespace {

template <typename F>
void map(const float* x, float* y, size_t count, F f) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) vst1q_f32(y + i, f(vld1q_f32(x + i)));
  if (i == count) return;
  float last[4] = {};
  __builtin_memcpy(last, x + i, (count - i) * sizeof(float));
  vst1q_f32(last, f(vld1q_f32(last)));
  __builtin_memcpy(y + i, last, (count - i) * sizeof(float));
}

void exp(const float* x, float* y, size_t count) {
  map(x, y, count, [](float32x4_t v) { return math::exp(v); });
}
void sigmoid(const float* x, float* y, size_t count) {
  map(x, y, count, [](float32x4_t v) { return math::sigmoid(v); });
}
void tanh(const float* x, float* y, size_t count) {
  map(x, y, count, [](float32x4_t v) { return math::tanh(v); });
}
void log(const float* x, float* y, size_t count) {
  map(x, y, count, [](float32x4_t v) { return math::log(v); });
}
void erf(const float* x, float* y, size_t count) {
  map(x, y, count, [](float32x4_t v) { return math::erf(v); });
}

}  // namespace

extern const MathTable math_neon;
const MathTable math_neon = {exp, sigmoid, tanh, log, erf};

}  // namespace octet::kernels
