#include "kernels/math/avx512.h"
#include "kernels/math/math.h"

namespace octet::kernels {
namespace {

template <typename F>
void map(const float* x, float* y, size_t count, F f) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) _mm512_storeu_ps(y + i, f(_mm512_loadu_ps(x + i)));
  if (i == count) return;
  const auto mask = static_cast<__mmask16>((1U << (count - i)) - 1);
  _mm512_mask_storeu_ps(y + i, mask, f(_mm512_maskz_loadu_ps(mask, x + i)));
}

void exp(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m512 v) { return math::exp(v); });
}
void sigmoid(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m512 v) { return math::sigmoid(v); });
}
void tanh(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m512 v) { return math::tanh(v); });
}
void log(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m512 v) { return math::log(v); });
}
void erf(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m512 v) { return math::erf(v); });
}

}  // namespace

extern const MathTable math_avx512vnni;
const MathTable math_avx512vnni = {exp, sigmoid, tanh, log, erf};

}  // namespace octet::kernels
