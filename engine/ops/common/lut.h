#pragma once

#include "engine/ops/step.h"

namespace octet {

/// Codes of 8 bits, quantized per tensor.
bool eight_bit_codes(const QuantPtr& quant);

/// Stored ports, layout kept, when input 0 and output 0 are 8-bit codes quantized per tensor.
std::optional<Ports> match_lut(const LowerContext& context);

/// A step that maps the codes of input 0 to those of output 0 through 256 values of `f`.
std::unique_ptr<Step> make_lut_step(const LowerContext& context, FunctionRef<float(float)> f);

}  // namespace octet
