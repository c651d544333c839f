#pragma once

#include <tuple>

#include "engine/ops/epilogue.h"

namespace octet::ops {

/// activation(alpha * A B + bias + residual). ONNX's MatMul has no attributes: every member is set
/// by fusion alone. Inputs: A, B, bias of [N] (may be absent), then the residual when the epilogue
/// has one.
struct MatMulAttrs {
  bool transpose_a = false;  ///< A's last two axes are swapped in memory.
  bool transpose_b = false;
  float alpha = 1.0F;
  Epilogue epilogue = {};
  static constexpr auto fields() { return std::tuple<>{}; }
};

}  // namespace octet::ops
