#pragma once

#include <span>

#include "kernels/dispatch.h"
#include "kernels/rnn/rnn.h"

namespace octet::kernels {

/// int8 recurrent weights times a hidden state of s16 or s8 codes. A code is the nearest even of
/// h * (1 / scale) with scale = max(1, |h0|) / kMost for each batch row: nothing saturates. Sums
/// over blocks of kBlock inputs are exact in int32 (kBlock * kMost * 128 < 2^31), added in order:
/// gate = fma(float(sum), weight scale * state scale, gate). The same bits on every instruction
/// set.
struct RnnWords {
  static constexpr size_t kBytes = 2;
  static constexpr float kMost = 32767.0F - 128.0F;  // A weight can be added to one within s16.
  static constexpr size_t kBlock = 512;
};
struct RnnBytes {
  static constexpr size_t kBytes = 1;
  static constexpr float kMost = 127.0F;  // Two products with weights add up within s16.
  static constexpr size_t kBlock = size_t{1} << 16;
};

/// The cells of one instruction set, by the state's codes.
struct RnnS8 {
  RnnCell words, bytes;
};

std::span<const Variant<RnnS8>> rnn_s8_variants();
const Variant<RnnS8>& select_rnn_s8(CpuToken token);

}  // namespace octet::kernels
