#pragma once

#include "engine/ir/type.h"
#include "engine/ops/epilogue.h"
#include "kernels/activation.h"

namespace octet::ops {

/// The epilogue's activation as float kernels take it.
kernels::Activation kernel_activation(const Epilogue& epilogue);

/// The activation of one number, computed in double.
double activate(const Epilogue& epilogue, double x);

/// A real result after the epilogue: activation and `residual[at]` where there is one.
float finished(const Epilogue& epilogue, float value, const float* residual, int64_t at);

/// Whether the activation only clamps (none, Relu, Clip): rounding and clamping commute.
bool is_clamp(const Epilogue& epilogue);

/// Clamp limits over codes of `quant` (8-bit, per tensor) that a clamping activation gives; the
/// full range of the storage otherwise.
struct CodeRange {
  float low = 0.0F;
  float high = 0.0F;
};
CodeRange code_range(const Epilogue& epilogue, const QuantType& quant);

}  // namespace octet::ops
