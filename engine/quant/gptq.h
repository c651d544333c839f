#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/quant/layer_inputs.h"

namespace octet::quant {

struct BlockOptions {
  size_t block = 32;      ///< Inputs that share a scale: 16 to 128.
  bool symmetric = true;  ///< s4 codes -8..7; else u4 codes 0..15 with zero points.
  double damping = 0.01;  ///< Added to the diagonal, as a part of its mean.
};

/// 4-bit codes of a weight [outputs, inputs], one a byte, and parameters [outputs, blocks] of
/// blocks = ceil(inputs / block): weight = (code - zero point) * scale.
struct BlockCodes {
  size_t blocks = 0;
  std::vector<int8_t> codes;
  std::vector<float> scales;
  std::vector<int8_t> zero_points;  ///< Empty when symmetric.

  float real(size_t output, size_t input, size_t inputs, size_t block) const;
};

/// GPTQ (Frantar et al. 2023, https://arxiv.org/abs/2210.17323, algorithm 1): rounds the weights
/// [outputs, inputs] input by input and moves each rounding error onto the inputs that are still
/// real, as the inverse of E[x x^T] says; the scale of a block is searched for the least squared
/// error when the block is reached. Without moments (no rows) it is nearest rounding. Fails on
/// weights or moments that aren't finite.
Result<BlockCodes> gptq(std::span<const float> weights, size_t outputs, size_t inputs,
                        const SecondMoments& moments, const BlockOptions& options);

}  // namespace octet::quant
