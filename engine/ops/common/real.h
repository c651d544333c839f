#pragma once

#include "engine/ir/dtype.h"

namespace octet {

/// Whether a real port of this element type is f32 when it runs: halves are widened.
inline bool runs_as_f32(DType type) {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16;
}

}  // namespace octet
