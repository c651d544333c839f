#include "engine/ops/gather_concat.h"

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

void copy_run(std::byte* to, const std::byte* from, size_t bytes) {
  bytes <= kShortRun ? copy_short(to, from, bytes) : void(std::memcpy(to, from, bytes));
}

// What a row of a view holds from `axis` on, in bytes.
size_t run_bytes(const TensorView& view, size_t axis, size_t element) {
  for (size_t a = axis; a < view.rank(); ++a) element *= static_cast<size_t>(view.dims[a]);
  return element;
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
  const auto copy = [&](size_t begin, size_t end) {
    std::byte* to = context.output(0).data + begin * (kept + added);
    const std::byte* more = tail.data + begin * added;
    for (size_t i = begin; i < end;) {
      const size_t row = i / runs, last = std::min(end, (row + 1) * runs);
      const std::byte* from = table.data + (picks[row] * runs + i % runs) * kept;
      for (; i < last; ++i, from += kept, more += added, to += kept + added) {
        copy_run(to, from, kept);
        copy_run(to + kept, more, added);
      }
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
