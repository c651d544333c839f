#include "engine/ops/common/axes.h"

#include <algorithm>
#include <numeric>

namespace octet {

AxisCut cut_at(const Dims& dims, size_t axis) {
  AxisCut cut;
  for (size_t a = 0; a < axis; ++a) cut.outer *= static_cast<size_t>(dims[a]);
  cut.extent = static_cast<size_t>(dims[axis]);
  for (size_t a = axis + 1; a < dims.size(); ++a) cut.inner *= static_cast<size_t>(dims[a]);
  return cut;
}

GroupedAxes group_axes(const TensorView& view, const std::vector<bool>& marked, size_t bytes,
                       Parallel& parallel) {
  const Steps steps = steps_of(view);
  std::vector<size_t> order(view.rank());
  std::iota(order.begin(), order.end(), size_t{0});
  std::erase_if(order, [&](size_t a) { return view.dims[a] == 1; });
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return steps[a] > steps[b]; });
  GroupedAxes grouped;
  // Kept axes in front of the first marked one, the marked ones, and what follows.
  const auto is_marked = [&](size_t a) { return marked[a]; };
  const auto first = std::find_if(order.begin(), order.end(), is_marked);
  const auto last = std::find_if_not(first, order.end(), is_marked);
  const auto extent = [&](auto begin, auto end) {
    return std::accumulate(begin, end, size_t{1}, [&](size_t product, size_t a) {
      return product * static_cast<size_t>(view.dims[a]);
    });
  };
  const bool kept_in_order =
      std::is_sorted(order.begin(), first) && std::is_sorted(last, order.end());
  if (std::none_of(last, order.end(), is_marked) && kept_in_order) {
    grouped.cut = {extent(order.begin(), first), extent(first, last), extent(last, order.end())};
    grouped.data = view.data;
    return grouped;
  }
  std::sort(order.begin(), order.end());
  std::stable_partition(order.begin(), order.end(), [&](size_t a) { return !marked[a]; });
  const auto middle = std::find_if(order.begin(), order.end(), is_marked);
  grouped.cut = {extent(order.begin(), middle), extent(middle, order.end()), 1};
  Dims dims;
  Steps from;
  for (const size_t a : order) {
    dims.push_back(view.dims[a]);
    from.push_back(steps[a]);
  }
  grouped.copy.resize(grouped.cut.outer * grouped.cut.extent * bytes);
  copy_strided(grouped.copy.data(), row_major_steps(dims), view.data, from, dims, bytes, parallel);
  grouped.data = grouped.copy.data();
  return grouped;
}

}  // namespace octet
