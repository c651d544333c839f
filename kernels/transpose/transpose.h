#pragma once

#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace octet::kernels {

inline constexpr size_t kMaxTransposeRank = 8;

/// Permutes the axes of a dense tensor: axis i of the output is axis permutation[i] of the input.
/// NCHW to NHWC is {0, 2, 3, 1}. `in` and `out` do not overlap.
struct TransposeArgs {
  const void* in = nullptr;
  void* out = nullptr;
  size_t element_bytes = 4;  // 1, 2, 4 or 8
  size_t rank = 0;           // at most kMaxTransposeRank
  const size_t* in_dims = nullptr;
  const size_t* permutation = nullptr;
};

struct TransposeTable {
  void (*run)(const TransposeArgs& args, Parallel& parallel);
};

const Variant<TransposeTable>& select_transpose(CpuToken token);
std::span<const Variant<TransposeTable>> transpose_variants();

}  // namespace octet::kernels
