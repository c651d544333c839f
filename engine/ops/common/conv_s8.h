#pragma once

#include "engine/ops/op.h"

namespace octet::ops {

/// Integer row of Conv: quantized input, packed quantized weights, channels last.
std::optional<Ports> match_conv_s8(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_conv_s8(const LowerContext& context);
/// The same where there are as many groups as channels.
std::optional<Ports> match_depthwise_s8(const LowerContext& context);

}  // namespace octet::ops
