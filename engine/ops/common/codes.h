#pragma once

#include "engine/ops/step.h"
#include "kernels/elementwise_s8/elementwise_s8.h"

namespace octet {

enum class CodeFunction : uint8_t { add, sub, mul };

/// Stored ports when both inputs and the output are 8-bit codes quantized per tensor; the layout as
/// match_broadcast_layout has it.
std::optional<Ports> match_codes(const LowerContext& context);

/// Arithmetic on codes, with broadcasting.
std::unique_ptr<Step> make_code_step(const LowerContext& context, CodeFunction function);

template <CodeFunction Function>
Result<std::unique_ptr<Step>> prepare_codes(const LowerContext& context) {
  return make_code_step(context, Function);
}

}  // namespace octet
