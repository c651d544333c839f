#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/ir/dtype.h"
#include "kernels/quantize.h"

namespace octet {

/// What the quantizer may do with one port of a node.
struct PortQuant {
  enum class Role : uint8_t {
    real,        ///< Stays float (or isn't float at all).
    activation,  ///< Per tensor, u8 or s8 by calibration.
    weight,      ///< Constant: symmetric s8 per channel along `axis` (activation rule otherwise).
    bias,        ///< Constant: s32 with scale = scale(input 0) * scale(input 1).
    shared,      ///< The same parameters as input 0: data movement, max pooling, concat.
    fixed,       ///< The range is known without data: `scale`, `zero_point` of u8.
  };
  Role role = Role::real;
  int axis = 0;   ///< Of a weight: the output-channel axis.
  Scale scale{};  ///< Of a fixed range.
  ZeroPoint zero_point{};
};

/// What may be quantized around a node; one entry a port, missing ones are `real`.
struct QuantSpec {
  std::vector<PortQuant> inputs;
  std::vector<PortQuant> outputs;
  /// True when the node does the arithmetic (Conv, MatMul, LSTM): quantizing it pays by itself.
  /// False for followers (Relu, Reshape, Add): quantized only between quantized neighbours.
  bool anchor = false;
};

}  // namespace octet
