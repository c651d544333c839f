#pragma once

#include "kernels/math/poly.h"

// e^x for x <= 0 as 2^n p(r): n = nearest_even(x log2(e)), r = x log2(e) - n (one rounding), p a
// cubic, minimax in relative error (a fit of our own). x below kRoughExpLow counts as that; NaN
// stays. The result is never denormal.

namespace octet::kernels::math {

constexpr float kRoughExpLow = -86.0F;
// Added to a number below 2^22 in magnitude, it leaves the nearest integer, ties to even.
constexpr float kRoundShift = 0x1.8p+23F;
// Lowest first.
constexpr float kRoughExp[4] = {0x1.fff692p-1F, 0x1.62f31ap-1F, 0x1.f0de1ap-3F, 0x1.c3f760p-5F};

}  // namespace octet::kernels::math
