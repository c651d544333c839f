#pragma once

#include "engine/ops/common/conv_geometry.h"
#include "kernels/conv_f32/conv_f32.h"

namespace octet::ops {

/// A convolution of one or two spatial axes as float kernels describe it.
kernels::ConvF32Shape float_conv_shape(const ConvGeometry& geometry);

/// Float Conv of one or two spatial axes, channels last.
std::optional<Ports> match_conv_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_conv_f32(const LowerContext& context);
/// Depthwise: as many groups as channels.
std::optional<Ports> match_depthwise_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_depthwise_f32(const LowerContext& context);

/// Indices of Conv's optional inputs.
struct ConvPorts {
  std::optional<size_t> bias;
  std::optional<size_t> residual;
};
ConvPorts conv_ports(const Node& node);

}  // namespace octet::ops
