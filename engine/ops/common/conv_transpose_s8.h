#pragma once

#include "engine/ops/op.h"

namespace octet::ops {

/// Integer row of ConvTranspose: quantized input, packed quantized weights of one or two spatial
/// axes, channels last.
std::optional<Ports> match_conv_transpose_s8(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_conv_transpose_s8(const LowerContext& context);

}  // namespace octet::ops
