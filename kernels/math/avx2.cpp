#include "kernels/math/avx2.h"

#include "kernels/math/math.h"

namespace octet::kernels {
namespace {

template <typename F>
void map(const float* x, float* y, size_t count, F f) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) _mm256_storeu_ps(y + i, f(_mm256_loadu_ps(x + i)));
  if (i == count) return;
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count - i)), lanes);
  _mm256_maskstore_ps(y + i, mask, f(_mm256_maskload_ps(x + i, mask)));
}

void exp(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m256 v) { return math::exp(v); });
}
void sigmoid(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m256 v) { return math::sigmoid(v); });
}
void tanh(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m256 v) { return math::tanh(v); });
}
void log(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m256 v) { return math::log(v); });
}
void erf(const float* x, float* y, size_t count) {
  map(x, y, count, [](__m256 v) { return math::erf(v); });
}

}  // namespace

extern const MathTable math_avx2;
const MathTable math_avx2 = {exp, sigmoid, tanh, log, erf};

}  // namespace octet::kernels
