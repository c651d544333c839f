#pragma once

#include <span>

#include "kernels/dispatch.h"
#include "kernels/rnn/rnn.h"

namespace octet::kernels {

/// int8 recurrent weights times an s16 hidden state. The state's code is the nearest even of
/// h * (1 / scale) with scale = max(1, |h0|) / kRnnMostCode for each batch row: nothing saturates.
/// Sums over blocks of kRnnS8Block inputs are exact in int32 (512 * 32639 * 128 < 2^31), added in
/// order: gate = fma(float(sum), weight scale * state scale, gate). The same bits on every
/// instruction set.
constexpr size_t kRnnS8Block = 512;

std::span<const Variant<RnnCell>> rnn_s8_variants();
const Variant<RnnCell>& select_rnn_s8(CpuToken token);

}  // namespace octet::kernels
