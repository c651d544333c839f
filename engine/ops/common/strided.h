#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>

#include "engine/ir/small_vector.h"
#include "engine/ops/step.h"

namespace octet {

/// An entry an axis, without an allocation.
using Extents = SmallVector<int64_t, 8>;
/// Distances between neighbours along each logical axis, in elements; 0 repeats.
using Steps = Extents;

Steps row_major_steps(std::span<const int64_t> dims);
/// Steps of a stored tensor, whatever its layout.
Steps steps_of(const TensorView& view);
/// Steps of `view` under the broadcast dims `dims`: 0 along the axes that it repeats.
Steps broadcast_steps(const TensorView& view, std::span<const int64_t> dims);

inline constexpr size_t kMaxOperands = 5;
using Offsets = std::array<int64_t, kMaxOperands>;

/// A loop nest over operands: axes of extent 1 dropped, sorted by the steps of operand 0 (so that
/// it is walked in memory order), and merged where every operand allows it. At least one axis.
struct Nest {
  Extents dims;
  size_t operands = 0;
  std::array<Steps, kMaxOperands> steps;  ///< One an operand, one entry an axis of `dims`.

  int64_t inner() const { return dims.back(); }
  int64_t inner_step(size_t operand) const { return steps[operand].back(); }
  int64_t rows() const;
  /// Offsets of a row's first elements.
  Offsets row_offsets(int64_t row) const;
};
Nest make_nest(std::span<const int64_t> dims, std::initializer_list<Steps> steps);

/// Elements that are worth handing to another thread.
inline constexpr size_t kParallelGrain = 16384;

/// Calls f(offsets, count) for runs along the innermost axis that cover the nest; each run is part
/// of one row. Runs may be on any thread.
void for_each_run(const Nest& nest, Parallel& parallel,
                  FunctionRef<void(const Offsets& at, int64_t count)> f);

/// Bytes of an element that can be moved as bytes; an error for strings and packed types.
Result<size_t> element_bytes(DType dtype);

/// Copies a strided block: to[i...] = from[i...] over dims, steps in elements. Contiguous runs move
/// as a whole.
void copy_strided(std::byte* to, const Steps& to_steps, const std::byte* from,
                  const Steps& from_steps, std::span<const int64_t> dims, size_t bytes,
                  Parallel& parallel);

/// memcpy over threads.
void copy_bytes(std::byte* to, const std::byte* from, size_t bytes, Parallel& parallel);

}  // namespace octet
