#pragma once

#include <memory>

#include "engine/ops/step.h"
#include "runtime/session/plan.h"

namespace octet::runtime {

/// A step that stores slot `from`'s elements in slot `to`'s form: quantize, dequantize, half to
/// float and back, or row-major to channels-last and back; exactly one of storage and layout may
/// differ.
Result<std::unique_ptr<Step>> make_conversion(const Slot& from, const Slot& to, CpuToken cpu);

/// The same for a constant, at compile time.
Result<Tensor> convert_constant(const Tensor& tensor, const Slot& from, const Slot& to);

}  // namespace octet::runtime
