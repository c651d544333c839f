#pragma once

#include <optional>

#include "engine/ops/op.h"
#include "kernels/element.h"
#include "kernels/rounding.h"

namespace octet::ops {

/// The element type as kernels name it; nothing for types that they don't hold unpacked.
std::optional<kernels::Element> kernel_element(DType type);

/// Least and greatest code of an integer type of at most 16 bits.
struct CodeLimits {
  int32_t low = 0;
  int32_t high = 0;
};
CodeLimits code_limits(DType type);

/// How kernels round to 8-bit codes with one scale (is_int8_per_tensor).
kernels::CodeRounding code_rounding(const QuantType& quant);

/// Element `i` of an integer tensor of any width, packed types included.
int64_t read_code(const TensorView& view, size_t i);
/// Writes a code within the type's limits; packed neighbours stay.
void write_code(const TensorView& view, size_t i, int64_t code);

/// Element `i` of a tensor of codes, integers or small floats; exact up to 24 bits.
float real_code(const TensorView& view, size_t i);

/// How a tensor falls into channels that have a scale of their own.
struct ChannelSplit {
  size_t outer = 1;
  size_t channels = 1;
  size_t inner = 1;
};
/// One channel when there is a single scale.
ChannelSplit channel_split(const Dims& dims, int64_t axis, size_t scales);

/// Rules that QuantizeLinear and DequantizeLinear share: the scale's dims fit the input, and there
/// are as many zero points as scales.
Status check_scale(const InferContext& context, int64_t axis, int64_t block_size);

/// Zero points as int32 in `memory` ([channels]), or null when the port is absent.
const int32_t* widened_zero_points(const RunContext& context, size_t input,
                                   std::span<std::byte> memory);

}  // namespace octet::ops
