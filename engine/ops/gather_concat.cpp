#include "engine/ops/gather_concat.h"

#include "engine/ops/common/axes.h"
#include "engine/ops/common/copy_short.h"
#include "engine/ops/common/picks.h"
#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

namespace octet::ops::gather_concat {
namespace {

constexpr size_t kTable = 0, kRows = 1, kTail = 2;

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(kTable, kTail));
  OCTET_RETURN_IF_ERROR(context.require(kRows, {DType::s64, DType::s32}));
  context.set_tensor(0, context.dtype(kTable));
  if (!context.has_rank(kTable) || !context.has_rank(kRows) || !context.has_rank(kTail)) return {};
  const Shape& table = context.shape(kTable);
  const Shape& rows = context.shape(kRows);
  const Shape& tail = context.shape(kTail);
  OCTET_ASSIGN(const size_t axis,
               context.axis(context.attrs<GatherConcatAttrs>().axis, table.size()));
  if (axis == 0 || rows.size() != 1 || tail.size() != table.size())
    return invalid_model(to_string(tail) + " doesn't lengthen rows " + to_string(rows) + " of " +
                         to_string(table));
  Shape out = table;
  out[0] = rows[0];
  for (size_t a = 0; a < out.size(); ++a) {
    if (a == axis)
      out[a] = table[a] + tail[a];
    else if (!out[a].known())
      out[a] = tail[a];
    else if (tail[a].known() && tail[a] != out[a])
      return invalid_model("inputs differ along axis " + std::to_string(a));
  }
  context.set_tensor(0, context.dtype(kTable), std::move(out));
  return {};
}

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
size_t run_bytes(const TensorView& view, size_t axis, size_t element) {
  const AxisCut cut = cut_at(view.dims, axis);
  return cut.extent * cut.inner * element;
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& table = context.input(kTable);
  const TensorView& tail = context.input(kTail);
  OCTET_ASSIGN(const size_t element, element_bytes(table.dtype));
  OCTET_ASSIGN(const Picks picks,
               Picks::of(context.input(kRows), static_cast<size_t>(table.dims[0])));
  const size_t axis = *normalize_axis(attrs.as<GatherConcatAttrs>().axis, table.rank());
  const size_t kept = run_bytes(table, axis, element), added = run_bytes(tail, axis, element);
  size_t runs = 1;  // Of a row.
  for (size_t a = 1; a < axis; ++a) runs *= static_cast<size_t>(table.dims[a]);
  const size_t grain = kParallelGrain / ((kept + added) / element + 1) + 1;
  const CopyRuns copy_runs = copy_for(kept, added);
  const auto copy = [&](size_t begin, size_t end) {
    for (size_t i = begin, last; i < end; i = last) {
      const size_t row = i / runs;
      last = std::min(end, (row + 1) * runs);
      copy_runs({context.output(0).data + i * (kept + added),
                 table.data + (picks[row] * runs + i % runs) * kept, tail.data + i * added, kept,
                 added, last - i});
    }
  };
  context.parallel().for_ranges(picks.count() * runs, grain, copy);
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "copy", .prepare = prepare_function<run>},
    reference<run>(),
};

}  // namespace

extern const OpDef GatherConcat;
const OpDef GatherConcat = {
    .domain = kOctetDomain,
    .name = "GatherConcat",
    .inputs = {3, 3},
    .attrs = attr_codec<GatherConcatAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::gather_concat
