#pragma once

#include <cstddef>
#include <vector>

#include "engine/ops/common/strided.h"

namespace octet {

/// A tensor cut at an axis: [outer, extent, inner].
struct AxisCut {
  size_t outer = 1;
  size_t extent = 1;
  size_t inner = 1;
};
AxisCut cut_at(const Dims& dims, size_t axis);

/// A row-major operand with some axes marked, as [outer, extent, inner] where the marked axes are
/// the extent. `data` is the view's own where they lie together, else `copy`'s.
struct GroupedAxes {
  AxisCut cut;
  const std::byte* data = nullptr;
  std::vector<std::byte> copy;
};
/// `marked` has an entry a logical axis. Any layout. Otherwise copies, with the marked axes last.
GroupedAxes group_axes(const TensorView& view, const std::vector<bool>& marked, size_t bytes,
                       Parallel& parallel);

}  // namespace octet
