#include "engine/ops/common/lengthened_rows.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/ops/common/axes.h"
#include "engine/ops/common/copy_short.h"
#include "engine/ops/common/strided.h"

namespace octet::ops {
namespace {

// Runs of the table that follow each other, each with its run of the tail behind.
struct Runs {
  std::byte* to;
  const std::byte* kept;
  const std::byte* added;
  size_t kept_bytes, added_bytes, count;
};

void copy_run(std::byte* to, const std::byte* from, size_t bytes) {
  bytes <= kShortRun ? copy_short(to, from, bytes) : void(std::memcpy(to, from, bytes));
}

void copy_any(Runs runs) {
  for (; runs.count > 0; --runs.count) {
    copy_run(runs.to, runs.kept, runs.kept_bytes);
    copy_run(runs.to + runs.kept_bytes, runs.added, runs.added_bytes);
    runs.to += runs.kept_bytes + runs.added_bytes;
    runs.kept += runs.kept_bytes;
    runs.added += runs.added_bytes;
  }
}

// One or two words of the table, and one element of four bytes of the tail.
template <typename Word>
void copy_words(Runs runs) {
  using Element = uint32_t;
  for (; runs.count > 0; --runs.count) {
    move_two_words<Word>(runs.to, runs.kept, runs.kept_bytes);
    move_word<Element>(runs.to + runs.kept_bytes, runs.added);
    runs.to += runs.kept_bytes + sizeof(Element);
    runs.kept += runs.kept_bytes;
    runs.added += sizeof(Element);
  }
}

using CopyRuns = void (*)(Runs runs);

CopyRuns copy_for(size_t kept, size_t added) {
  using Quad = std::array<uint64_t, 2>;
  using Oct = std::array<uint64_t, 4>;
  if (added != sizeof(uint32_t) || kept < sizeof(uint32_t)) return copy_any;
  if (kept < sizeof(uint64_t)) return copy_words<uint32_t>;
  if (kept < sizeof(Quad)) return copy_words<uint64_t>;
  if (kept < sizeof(Oct)) return copy_words<Quad>;
  return kept <= 2 * sizeof(Oct) ? copy_words<Oct> : copy_any;
}

// What a view holds from `axis` on, in bytes.
size_t run_bytes_of(const TensorView& view, size_t axis, size_t element) {
  const AxisCut cut = cut_at(view.dims, axis);
  return cut.extent * cut.inner * element;
}

}  // namespace

Result<Shape> lengthened_shape(const Shape& table, const Shape& rows, const Shape& tail,
                               int64_t axis) {
  const auto along = normalize_axis(axis, table.size());
  if (!along || *along == 0 || rows.size() != 1 || tail.size() != table.size())
    return invalid_model("{} doesn't lengthen rows {} of {}", to_string(tail), to_string(rows),
                         to_string(table));
  Shape out = table;
  out[0] = rows[0];
  for (size_t a = 0; a < out.size(); ++a) {
    if (a == *along)
      out[a] = table[a] + tail[a];
    else if (!out[a].known())
      out[a] = tail[a];
    else if (tail[a].known() && tail[a] != out[a])
      return invalid_model("inputs differ along axis {}", a);
  }
  return out;
}

Result<LengthenedRows> LengthenedRows::of(const TensorView& table, const TensorView& rows,
                                          const TensorView& tail, int64_t axis, std::byte* to) {
  OCTET_ASSIGN(const size_t element, element_bytes(table.dtype));
  OCTET_ASSIGN(const Picks picks, Picks::of(rows, static_cast<size_t>(table.dims[0])));
  LengthenedRows made(picks, table.data, tail.data, to);
  const size_t along = *normalize_axis(axis, table.rank());
  made.kept_ = run_bytes_of(table, along, element);
  made.added_ = run_bytes_of(tail, along, element);
  for (size_t a = 1; a < along; ++a) made.row_runs_ *= static_cast<size_t>(table.dims[a]);
  return made;
}

void LengthenedRows::copy(size_t first_run, size_t last_run) const {
  const CopyRuns copy_runs = copy_for(kept_, added_);
  for (size_t i = first_run, last; i < last_run; i = last) {
    const size_t row = i / row_runs_;
    last = std::min(last_run, (row + 1) * row_runs_);
    copy_runs({to_ + i * (kept_ + added_),
               table_ + (picks_[row] * row_runs_ + i % row_runs_) * kept_, tail_ + i * added_,
               kept_, added_, last - i});
  }
}

}  // namespace octet::ops
