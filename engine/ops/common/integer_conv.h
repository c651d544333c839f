#pragma once

#include "engine/ops/common/conv_geometry.h"

namespace octet::ops {

/// Where a convolution of codes has its operands. X's zero point (and scale) is one value, W's one
/// or one for each output channel.
struct IntegerConvPorts {
  size_t x = 0, x_zero = 2;
  size_t w = 1, w_zero = 3;
  bool requantizes = false;  ///< QLinearConv: scales, codes as output, a bias of sums.
  size_t x_scale = 0, w_scale = 0, y_scale = 0, y_zero = 0, bias = 0;
  /// ScaledConv: the output is float(sum) * (x_scale * w_scale) + bias, a real one, then the
  /// epilogue of the node's attributes; its residual is the last input.
  bool scales = false;
};
inline constexpr IntegerConvPorts kConvIntegerPorts{};
inline constexpr IntegerConvPorts kQLinearConvPorts{.x = 0,
                                                    .x_zero = 2,
                                                    .w = 3,
                                                    .w_zero = 5,
                                                    .requantizes = true,
                                                    .x_scale = 1,
                                                    .w_scale = 4,
                                                    .y_scale = 6,
                                                    .y_zero = 7,
                                                    .bias = 8};
inline constexpr IntegerConvPorts kScaledConvPorts{
    .x_scale = 4, .w_scale = 5, .bias = 6, .scales = true};

/// Inference: types of the operands; scales, zero points and the bias have as many elements as
/// their operand asks for, as far as dims are known.
Status infer_integer_conv(InferContext& context, const IntegerConvPorts& ports);

/// Rows over kernels, channels last: packed constant weights of one or two spatial axes.
std::optional<Ports> match_integer_conv(const LowerContext& context, const IntegerConvPorts& ports);
/// The same where there are as many groups as channels.
std::optional<Ports> match_integer_depthwise(const LowerContext& context,
                                             const IntegerConvPorts& ports);
Result<std::unique_ptr<Step>> prepare_integer_conv(const LowerContext& context,
                                                   const IntegerConvPorts& ports);

/// Plain loops, for every form.
Status run_integer_conv(const IntegerConvPorts& ports, const ConvAttrs& attrs, RunContext& context);

}  // namespace octet::ops
