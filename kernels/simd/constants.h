#pragma once

namespace octet::kernels::simd {

constexpr float kSqrtHalf = 0x1.6a09e6p-1F;
// sqrt(2 / pi) and 0.044715 sqrt(2 / pi).
constexpr float kGeluLinear = 0.7978845608028654F;
constexpr float kGeluCubic = 0.03567740813636141F;
constexpr float kSixth = 0.16666667F;

}  // namespace octet::kernels::simd
