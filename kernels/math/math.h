#pragma once

#include <cstddef>
#include <span>

#include "kernels/dispatch.h"

namespace octet::kernels {

/// y[i] = f(x[i]) for the functions of poly.h; y may be x. The same bits on every instruction set.
struct MathTable {
  using Function = void (*)(const float* x, float* y, size_t count);
  Function exp;
  Function sigmoid;
  Function tanh;
  Function log;
  Function erf;
};

std::span<const Variant<MathTable>> math_variants();
const Variant<MathTable>& select_math(CpuToken token);

}  // namespace octet::kernels
