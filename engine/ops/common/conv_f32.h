#pragma once

#include "engine/ops/common/conv_geometry.h"
#include "kernels/conv_f32/conv_f32.h"

namespace octet::ops {

/// A convolution of one or two spatial axes as float kernels describe it.
kernels::ConvF32Shape float_conv_shape(const ConvGeometry& geometry);

/// What packing depends on: channels, groups and the kernel of weights of these dims.
kernels::ConvF32Shape float_weight_shape(const Dims& weights, int64_t groups);
/// The node's constant weights as the kernel of `info` packs them: conv_f32_packed_size and
/// conv_f32_pack, or another's.
Result<Tensor> pack_float_conv(const LowerContext& context, const StepInfo& info, int64_t groups,
                               const kernels::GemmF32Table& gemm,
                               decltype(&kernels::conv_f32_packed_size) size,
                               decltype(&kernels::conv_f32_pack) pack);

/// Indices of Conv's optional inputs.
struct ConvPorts {
  std::optional<size_t> bias;
  std::optional<size_t> residual;
};
ConvPorts conv_ports(const Node& node);
/// A run's arguments but for the packed weights.
kernels::ConvF32Args float_conv_args(const ConvAttrs& attrs, const ConvPorts& ports,
                                     const RunContext& context);

/// Float Conv of one or two spatial axes, channels last.
std::optional<Ports> match_conv_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_conv_f32(const LowerContext& context);
/// Depthwise: as many groups as channels.
std::optional<Ports> match_depthwise_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_depthwise_f32(const LowerContext& context);
/// 3x3 with constant weights that Winograd's transforms make faster.
std::optional<Ports> match_winograd_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_winograd_f32(const LowerContext& context);

}  // namespace octet::ops
