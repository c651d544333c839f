#pragma once

#include <optional>

#include "engine/ir/type.h"
#include "engine/ops/epilogue.h"
#include "kernels/code_curve.h"

namespace octet::ops {

/// An activation and the rounding of its result to codes: the code of activation(x) is the curve's
/// at x * rate + offset.
struct ActivationCurve {
  kernels::CodeCurve curve;
  float rate = 0.0F;
  float offset = 0.0F;
};

/// The most that a curve's value may differ from the activation's before it is rounded, in codes.
inline constexpr double kMostCurveError = 1.0 / 16.0;

/// The curve of the epilogue's activation over 8-bit codes of `output`, one scale for all; nothing
/// where chords would err by more than kMostCurveError.
std::optional<ActivationCurve> activation_curve(const Epilogue& epilogue, const QuantType& output);

}  // namespace octet::ops
