#include "engine/ops/common/strided.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "engine/ops/common/copy_short.h"
#include "engine/ops/common/walk_runs.h"

namespace octet {
namespace {

// Axes of a stored tensor from the outermost to the innermost in memory.
SmallVector<size_t, 8> memory_order(size_t rank, Layout layout) {
  SmallVector<size_t, 8> order(rank);
  std::iota(order.begin(), order.end(), size_t{0});
  if (layout == Layout::channels_last && rank >= 3)
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

template <typename T>
void copy_run(std::byte* to, int64_t to_step, const std::byte* from, int64_t from_step,
              int64_t count) {
  auto* y = reinterpret_cast<T*>(to);
  const auto* x = reinterpret_cast<const T*>(from);
  if (from_step == 0) {
    const T value = *x;
    for (int64_t i = 0; i < count; ++i) y[i * to_step] = value;
    return;
  }
  for (int64_t i = 0; i < count; ++i) y[i * to_step] = x[i * from_step];
}

struct Wide {
  uint64_t halves[2];
};

using CopyRun = void (*)(std::byte*, int64_t, const std::byte*, int64_t, int64_t);

CopyRun copy_run_for(size_t bytes) {
  switch (bytes) {
    case 1: return &copy_run<uint8_t>;
    case 2: return &copy_run<uint16_t>;
    case 4: return &copy_run<uint32_t>;
    case 8: return &copy_run<uint64_t>;
    default: assert(bytes == 16); return &copy_run<Wide>;
  }
}

// Rows of a few bytes, all as far apart.
void copy_short_rows(const Nest& nest, std::byte* to, const std::byte* from, size_t bytes,
                     Parallel& parallel) {
  const auto size = static_cast<int64_t>(bytes);
  const int64_t to_step = nest.steps[0][0] * size;
  const int64_t from_step = nest.steps[1][0] * size;
  const auto count = static_cast<size_t>(nest.inner());
  const size_t run = count * bytes;
  const size_t grain = kParallelGrain / std::max<size_t>(count, 1) + 1;
  parallel.for_ranges(static_cast<size_t>(nest.rows()), grain, [&](size_t begin, size_t end) {
    for (auto row = static_cast<int64_t>(begin); row < static_cast<int64_t>(end); ++row)
      copy_short(to + row * to_step, from + row * from_step, run);
  });
}

}  // namespace

Steps row_major_steps(std::span<const int64_t> dims) {
  Steps steps(dims.size());
  int64_t step = 1;
  for (size_t a = dims.size(); a-- > 0; step *= dims[a]) steps[a] = step;
  return steps;
}

Steps steps_of(const TensorView& view) {
  if (view.layout == Layout::row_major) return row_major_steps(view.dims);
  Steps steps(view.rank());
  const auto order = memory_order(view.rank(), view.layout);
  int64_t step = 1;
  for (size_t i = order.size(); i-- > 0; step *= view.dims[order[i]]) steps[order[i]] = step;
  return steps;
}

Steps broadcast_steps(const TensorView& view, std::span<const int64_t> dims) {
  const Steps own = steps_of(view);
  Steps steps(dims.size(), 0);
  const size_t shift = dims.size() - own.size();
  for (size_t a = 0; a < own.size(); ++a)
    if (view.dims[a] != 1 || dims[a + shift] == 1) steps[a + shift] = own[a];
  return steps;
}

int64_t Nest::rows() const {
  int64_t rows = 1;
  for (size_t a = 0; a + 1 < dims.size(); ++a) rows *= dims[a];
  return rows;
}

Offsets Nest::row_offsets(int64_t row) const {
  Offsets offsets{};
  for (size_t a = dims.size() - 1; a-- > 0; row /= dims[a])
    for (size_t i = 0; i < operands; ++i) offsets[i] += row % dims[a] * steps[i][a];
  return offsets;
}

Nest make_nest(std::span<const int64_t> dims, std::initializer_list<Steps> all_steps) {
  const std::span<const Steps> steps(all_steps.begin(), all_steps.size());
  // Insertion keeps equals in their order; std::stable_sort would allocate.
  SmallVector<size_t, 8> axes;
  for (size_t a = 0; a < dims.size(); ++a) {
    if (dims[a] == 1) continue;
    axes.push_back(a);
    const auto farther = [&](size_t i) { return std::abs(steps[0][axes[i]]); };
    for (size_t i = axes.size() - 1; i > 0 && farther(i) > farther(i - 1); --i)
      std::swap(axes[i], axes[i - 1]);
  }
  Nest nest;
  nest.operands = steps.size();
  for (const size_t axis : axes) {
    bool merged = !nest.dims.empty();
    for (size_t i = 0; merged && i < steps.size(); ++i)
      merged = nest.steps[i].back() == steps[i][axis] * dims[axis];
    if (merged) {
      nest.dims.back() *= dims[axis];
      for (size_t i = 0; i < steps.size(); ++i) nest.steps[i].back() = steps[i][axis];
    } else {
      nest.dims.push_back(dims[axis]);
      for (size_t i = 0; i < steps.size(); ++i) nest.steps[i].push_back(steps[i][axis]);
    }
  }
  if (nest.dims.empty()) {
    nest.dims.push_back(1);
    for (size_t i = 0; i < nest.operands; ++i) nest.steps[i].push_back(1);
  }
  return nest;
}

void for_each_run(const Nest& nest, Parallel& parallel,
                  FunctionRef<void(const Offsets& at, int64_t count)> f) {
  walk_runs(nest, parallel, f);
}

Result<size_t> element_bytes(DType dtype) {
  const int bits = dtype_bits(dtype);
  if (bits >= 8) return static_cast<size_t>(bits) / 8;
  return unsupported("elements of type {} can't be moved", dtype_name(dtype));
}

void copy_strided(std::byte* to, const Steps& to_steps, const std::byte* from,
                  const Steps& from_steps, std::span<const int64_t> dims, size_t bytes,
                  Parallel& parallel) {
  const Nest nest = make_nest(dims, {to_steps, from_steps});
  const int64_t to_step = nest.inner_step(0);
  const int64_t from_step = nest.inner_step(1);
  const auto size = static_cast<int64_t>(bytes);
  if (to_step == 1 && from_step == 1) {
    if (nest.dims.size() == 2 && static_cast<size_t>(nest.inner()) * bytes <= kShortRun)
      return copy_short_rows(nest, to, from, bytes, parallel);
    for_each_run(nest, parallel, [&](const Offsets& at, int64_t count) {
      std::memcpy(to + at[0] * size, from + at[1] * size, static_cast<size_t>(count) * bytes);
    });
    return;
  }
  const CopyRun run = copy_run_for(bytes);
  for_each_run(nest, parallel, [&](const Offsets& at, int64_t count) {
    run(to + at[0] * size, to_step, from + at[1] * size, from_step, count);
  });
}

void copy_bytes(std::byte* to, const std::byte* from, size_t bytes, Parallel& parallel) {
  parallel.for_ranges(bytes, size_t{1} << 18, [&](size_t begin, size_t end) {
    std::memcpy(to + begin, from + begin, end - begin);
  });
}

}  // namespace octet
