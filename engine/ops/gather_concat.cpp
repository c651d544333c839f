#include "engine/ops/gather_concat.h"

#include "engine/ops/common/axes.h"
#include "engine/ops/common/lengthened_rows.h"
#include "engine/ops/op.h"

namespace octet::ops::gather_concat {
namespace {

constexpr size_t kTable = 0, kRows = 1, kTail = 2;

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(kTable, kTail));
  OCTET_RETURN_IF_ERROR(context.require(kRows, {DType::s64, DType::s32}));
  context.set_tensor(0, context.dtype(kTable));
  if (!context.has_rank(kTable) || !context.has_rank(kRows) || !context.has_rank(kTail)) return {};
  OCTET_ASSIGN(auto out,
               lengthened_shape(context.shape(kTable), context.shape(kRows), context.shape(kTail),
                                context.attrs<GatherConcatAttrs>().axis));
  context.set_tensor(0, context.dtype(kTable), std::move(out));
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  OCTET_ASSIGN(const auto rows,
               LengthenedRows::of(context.input(kTable), context.input(kRows), context.input(kTail),
                                  attrs.as<GatherConcatAttrs>().axis, context.output(0).data));
  const size_t grain = kParallelGrain * sizeof(float) / (rows.run_bytes() + 1) + 1;
  context.parallel().for_ranges(rows.runs(), grain,
                                [&](size_t begin, size_t end) { rows.copy(begin, end); });
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
