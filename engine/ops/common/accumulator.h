#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "engine/ops/epilogue.h"
#include "engine/ops/op.h"
#include "kernels/code_curve.h"
#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::ops {

/// The most products of 8-bit codes that integer rows sum: such a sum and a bias of at most 2^30
/// together stay within int32.
inline constexpr int64_t kMaxIntegerDepth = 16512;

/// What an exact integer sum stands for and where it goes: real = sum * scale[n] + bias[n].
struct AccumulatorSpec {
  Epilogue epilogue;
  std::vector<float> scale;      ///< [N]: activation scale * weight scale (* alpha).
  const Value* bias = nullptr;   ///< A constant of N elements or one, quantized or real; or null.
  float beta = 1.0F;             ///< Factor of the bias.
  QuantPtr output;               ///< The output's storage; null: real.
  bool kernel_residual = false;  ///< The kernel itself adds the residual ahead of its clamp.
  bool kernel_swish = false;     ///< The kernel itself computes HardSwish.
  /// Whether codes behind an activation may come from a curve, in the kernel or of its floats.
  enum class Curve : uint8_t { none, kernel, floats };
  Curve curve = Curve::none;
};

/// The same, as integer kernels take it.
struct AccumulatorPlan {
  /// The kernel writes codes; otherwise it writes floats, which `FloatFinish` may still change.
  bool codes = false;
  bool finish = false;
  std::vector<float> multiplier;  ///< [N]
  std::vector<int32_t> bias;      ///< [N] sums, or empty: none.
  std::vector<float> bias_f32;    ///< [N] in steps of the codes, or real; or empty: none.
  float swish_slope = 0.0F;       ///< Of a kernel's HardSwish: a step of the codes, or 1, over 6.
  /// In place of zero_point, low and high, or of `FloatFinish`: multiplier and bias_f32 give its
  /// arguments.
  std::optional<kernels::CodeCurve> curve;
  DType storage = DType::f32;  ///< Of the codes.
  int32_t zero_point = 0;
  float low = -std::numeric_limits<float>::infinity();  ///< Codes, or reals.
  float high = std::numeric_limits<float>::infinity();
};

/// Nothing when the bias isn't a constant of that form. A bias that is stored with the sum's own
/// scale is added to the exact sum; others are added to the float that it becomes, unrounded.
std::optional<AccumulatorPlan> plan_accumulator(const AccumulatorSpec& spec);

/// The end of an epilogue over real numbers: limits that a kernel clamps to, and whether
/// FloatFinish has to follow.
struct RealEnd {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool finish = false;
};
RealEnd real_end(const Epilogue& epilogue);

/// Whether an output can be written by integer kernels: real floats, or 8-bit codes per tensor.
bool is_accumulator_output(const Value& value);

/// The float end of an epilogue that a kernel can't do itself: activation, residual, and rounding
/// to the output's codes.
class FloatFinish {
 public:
  FloatFinish() = default;
  FloatFinish(const Epilogue& epilogue, QuantPtr output, CpuToken cpu);
  /// `values` are overwritten; `codes` gets the output when it is quantized.
  void run(float* values, size_t count, const float* residual, void* codes,
           Parallel& parallel) const;

 private:
  Epilogue epilogue_;
  QuantPtr output_;
  float scale_ = 1.0F;  // of the output's codes, with the zero point
  int32_t zero_point_ = 0;
  const kernels::ElementwiseF32Table* elementwise_ = nullptr;
  const kernels::QuantizeLinearTable* quantize_ = nullptr;
};

}  // namespace octet::ops
