#pragma once

// The one definition of each float function: a polynomial (fits of our own, minimax in relative
// error) and a fixed order of operations with explicit fma. The scalar functions here and the
// vector overloads in avx2.h and avx512.h give the same bits for every input but NaN's payload.
// This header holds tables and declarations only, so that instruction-set files may include it.

namespace octet::kernels::math {

constexpr float kLog2E = 0x1.715476p+0F;
// ln 2 as the sum of two floats.
constexpr float kLn2High = 0x1.62e430p-1F;
constexpr float kLn2Low = -0x1.05c610p-29F;

// Outside of these exp is infinity or zero.
constexpr float kExpHigh = 89.0F;
constexpr float kExpLow = -104.0F;
// exp(r) = 1 + (r + r^2 q(r)) for |r| <= ln(2)/2; q's coefficients, lowest first.
constexpr float kExp[5] = {0x1.fffffep-2F, 0x1.5554b0p-3F, 0x1.555674p-5F, 0x1.1227f6p-7F,
                           0x1.6bebf2p-10F};

// e^x, rougher, as 2^n p(r): n = nearest_even(x log2(e)), r = x log2(e) - n (one rounding), p a
// cubic, lowest coefficient first. x is held at kRoughExpLow below and must not be above
// kRoughExpHigh, so that nothing is denormal or infinite; NaN stays. Relative error below 1e-4.
constexpr float kRoughExpLow = -86.0F, kRoughExpHigh = 86.0F;
constexpr float kRoughExp[4] = {0x1.fff692p-1F, 0x1.62f31ap-1F, 0x1.f0de1ap-3F, 0x1.c3f760p-5F};
// Added to a number below 2^22 in magnitude, it leaves the nearest integer, ties to even.
constexpr float kRoundShift = 0x1.8p+23F;

// tanh is 1 past this.
constexpr float kTanhHigh = 10.0F;

// log(1 + f) = f - f^2/2 + f^3 p(f) for sqrt(1/2) <= 1 + f < sqrt(2); p's coefficients, lowest
// first.
constexpr float kLog[8] = {0x1.555554p-2F, -0x1.000232p-2F, 0x1.999ff8p-3F, -0x1.546ed6p-3F,
                           0x1.22d8f0p-3F, -0x1.0da816p-3F, 0x1.0575b0p-3F, -0x1.383610p-4F};
// The bits of sqrt(1/2).
constexpr int kLogSplit = 0x3f3504f3;

// erf is 1 past this.
constexpr float kErfHigh = 3.95F;
// erf(x) = x P(x^2) / Q(x^2), lowest coefficients first.
constexpr float kErfP[6] = {0x1.20dd74p+0F, 0x1.884c16p-3F,  0x1.b127e6p-5F,
                            0x1.f32542p-9F, 0x1.2a8310p-12F, 0x1.0fe736p-19F};
constexpr float kErfQ[6] = {1.0F,           0x1.01951ap-1F,  0x1.d53cd2p-4F,
                            0x1.ed5388p-7F, 0x1.32e5bcp-10F, 0x1.3d590ap-15F};

/// e^x: 0 and infinity past the range of float, denormals kept. Relative error below 1.5e-7.
float exp(float x);
/// 1 / (1 + e^-x). Absolute error below 1e-7.
float sigmoid(float x);
/// Odd, |tanh| <= 1. Relative error below 3e-7.
float tanh(float x);
/// Natural logarithm: log 0 is -infinity, NaN below 0. Relative error below 2e-7.
float log(float x);
/// Odd, |erf| <= 1. Relative error below 4e-7.
float erf(float x);

}  // namespace octet::kernels::math
