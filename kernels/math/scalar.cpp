#include "kernels/math/math.h"
#include "kernels/math/poly.h"

namespace octet::kernels {
namespace {

template <float (*kFunction)(float)>
void map(const float* x, float* y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = kFunction(x[i]);
}

}  // namespace

extern const MathTable math_scalar;
const MathTable math_scalar = {map<math::exp>, map<math::sigmoid>, map<math::tanh>, map<math::log>,
                               map<math::erf>};

}  // namespace octet::kernels
