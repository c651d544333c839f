#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/parallel.h"

namespace octet::quant {

/// A layer whose weights may round either way; matrices are row-major.
struct RoundingProblem {
  size_t outputs = 0;
  size_t inputs = 0;
  std::vector<float> moments;  ///< [inputs, inputs], symmetric.
  std::vector<int8_t> codes;   ///< [outputs, inputs], from -127 to 127.
  std::vector<float> errors;   ///< [outputs, inputs]: codes less the real weights, in steps.
};

/// Lowers each output's e^T M e (e: its errors, M: the moments) by coordinate descent: a code moves
/// to the other neighbour of its weight where that lowers the sum, input after input, until none
/// moves or the passes are used up. Returns how often one moved. The same result at any number of
/// threads; `parallel` null: on the caller's.
size_t descend(RoundingProblem& problem, Parallel* parallel);

}  // namespace octet::quant
