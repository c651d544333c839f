#pragma once

#include "engine/ops/op.h"

namespace octet::ops {

/// Float ConvTranspose of one or two spatial axes with constant weights, channels last.
std::optional<Ports> match_conv_transpose_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_conv_transpose_f32(const LowerContext& context);

}  // namespace octet::ops
