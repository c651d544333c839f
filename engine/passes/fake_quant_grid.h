#pragma once

#include <optional>
#include <vector>

#include "engine/ir/tensor.h"

namespace octet::passes {

/// weight = (code - zero point) * scale + offset.
struct WeightGrid {
  Tensor codes;                ///< s4, u4, s8 or u8: the narrowest that holds all.
  Tensor scale;                ///< A scalar, or one an output.
  Tensor zero_point;           ///< Like scale, of the codes' type; undefined dtype: zeros.
  std::vector<float> offsets;  ///< One, or one an output; empty: none. Within half a scale.
};

/// Writes element i of a tensor of 4 or 8 bits an element, just made by Tensor::zeros().
void put_code(Tensor& tensor, size_t i, int64_t code);

/// Whether finite f32 weights lie on at most 256 evenly spaced numbers, all of them or those of
/// each output (along `axis`), within a thousandth of the spacing: then they were quantized.
std::optional<WeightGrid> find_grid(const Tensor& weights, size_t axis);

}  // namespace octet::passes
