#pragma once

#include <span>

#include "kernels/dispatch.h"
#include "kernels/rnn/rnn.h"

namespace octet::kernels {

/// Float recurrent weights and state: a gate is a chain of fma over the inputs in order, starting
/// at the input projection. The same bits on every instruction set.
std::span<const Variant<RnnCell>> rnn_f32_variants();
const Variant<RnnCell>& select_rnn_f32(CpuToken token);

}  // namespace octet::kernels
