#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

// Reductions of [outer, axis, inner] over the axis. inner = 1: 16 lanes (element i goes to lane
// i mod 16), combined as a fixed tree (8 apart, 4, 2, 1). inner > 1: along the axis in order.

namespace octet::kernels {

enum class ReduceF32 : uint8_t {
  sum,
  mean,
  /// NaN when any element is NaN.
  max,
  min,
  prod,
  sum_square,
  l1,
  l2,
  log_sum,
};

/// x is [outer, axis, inner], y is [outer, inner], both contiguous. An empty axis gives the
/// function's neutral value (0; 1 for prod; -infinity for max; infinity for min; NaN for mean).
struct ReduceF32Args {
  ReduceF32 function = ReduceF32::sum;
  const float* x = nullptr;
  float* y = nullptr;
  size_t outer = 1;
  size_t axis = 1;
  size_t inner = 1;
};

struct ReduceF32Table {
  float (*row)(ReduceF32 function, const float* x, size_t axis);
  /// Columns [0, columns) of one outer index; elements of a column are `inner` apart.
  void (*columns)(ReduceF32 function, const float* x, float* y, size_t axis, size_t inner,
                  size_t columns);
};

using ReduceF32Variant = Variant<ReduceF32Table>;

std::span<const ReduceF32Variant> reduce_f32_variants();
const ReduceF32Variant& select_reduce_f32(CpuToken token);

void reduce_f32(const ReduceF32Table& table, const ReduceF32Args& args, Parallel& parallel);

}  // namespace octet::kernels
