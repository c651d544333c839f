#include "engine/ops/common/selection.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "engine/ir/stop.h"
#include "engine/ops/common/elements.h"
#include "engine/ops/common/strided.h"

namespace octet::ops {
namespace {

// An element by its place in the order of all values of its type, with NaN last.
template <typename T>
int64_t rank_of(T value) {
  if constexpr (std::is_same_v<T, uint64_t>) {
    return static_cast<int64_t>(value ^ (uint64_t{1} << 63));
  } else if constexpr (std::is_integral_v<T>) {
    return value;
  } else {
    if (value != value) return std::numeric_limits<int64_t>::max();
    if (value == 0) return 0;  // Of both signs.
    const auto bits = std::bit_cast<int64_t>(static_cast<double>(value));
    return bits < 0 ? bits ^ std::numeric_limits<int64_t>::max() : bits;
  }
}

struct Entry {
  int64_t rank;
  int64_t index;
};

template <typename T>
void read_row(const std::byte* row, size_t step, bool largest, std::vector<Entry>& entries) {
  const T* x = reinterpret_cast<const T*>(row);
  for (size_t n = 0; n < entries.size(); ++n) {
    const int64_t rank = rank_of(x[n * step]);
    entries[n] = {largest ? rank : ~rank, static_cast<int64_t>(n)};
  }
}
using ReadRow = void (*)(const std::byte* row, size_t step, bool largest, std::vector<Entry>&);

void sort_front(std::vector<Entry>& entries, size_t k, StopPoll& poll) {
  std::partial_sort(entries.begin(), entries.begin() + static_cast<ptrdiff_t>(k), entries.end(),
                    [&](const Entry& a, const Entry& b) {
                      poll();
                      return a.rank != b.rank ? a.rank > b.rank : a.index < b.index;
                    });
}

}  // namespace

bool select_top(const TensorView& x, const AxisCut& cut, size_t k, bool largest,
                const TensorView* values, const TensorView* indices, Parallel& parallel) {
  ReadRow read = nullptr;
  visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() { read = read_row<T>; });
  if (read == nullptr) return false;
  const size_t bytes = dtype_bytes(x.dtype, 1);
  parallel.for_ranges(
      cut.outer * cut.inner, kParallelGrain / (cut.extent + 1) + 1, [&](size_t begin, size_t end) {
        std::vector<Entry> entries(cut.extent);
        StopPoll poll;
        for (size_t i = begin; i < end; ++i) {
          const size_t outer = i / cut.inner;
          const size_t inner = i % cut.inner;
          const std::byte* row = x.data + (outer * cut.extent * cut.inner + inner) * bytes;
          read(row, cut.inner, largest, entries);
          sort_front(entries, k, poll);
          for (size_t n = 0; n < k; ++n) {
            const size_t to = (outer * k + n) * cut.inner + inner;
            const auto from = static_cast<size_t>(entries[n].index) * cut.inner;
            if (values != nullptr)
              std::memcpy(values->data + to * bytes, row + from * bytes, bytes);
            if (indices != nullptr) indices->as<int64_t>()[to] = entries[n].index;
          }
        }
      });
  return true;
}

}  // namespace octet::ops
