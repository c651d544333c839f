#include <algorithm>

#include "engine/ops/common/elements.h"
#include "engine/ops/op.h"

namespace octet::ops::shape {
namespace {

struct ShapeAttrs {
  int64_t start = 0;
  std::optional<int64_t> end;
  static constexpr auto fields() {
    return std::tuple{field("start", &ShapeAttrs::start, {.since = 15}),
                      field("end", &ShapeAttrs::end, {.since = 15})};
  }
};

struct Range {
  size_t begin;
  size_t end;
};

Range range_of(const ShapeAttrs& attrs, size_t rank) {
  const auto clamped = [rank](int64_t axis) {
    const auto count = static_cast<int64_t>(rank);
    return static_cast<size_t>(std::clamp<int64_t>(axis < 0 ? axis + count : axis, 0, count));
  };
  const size_t begin = clamped(attrs.start);
  const size_t end = attrs.end ? clamped(*attrs.end) : rank;
  return {begin, std::max(begin, end)};
}

Status infer_shape(InferContext& context) {
  if (!context.has_rank(0)) {
    context.set_tensor(0, DType::s64, Shape{Dim::fresh()});
    return {};
  }
  const Shape& shape = context.shape(0);
  const Range range = range_of(context.attrs<ShapeAttrs>(), shape.size());
  context.set_tensor(0, DType::s64, Shape{Dim(static_cast<int64_t>(range.end - range.begin))});
  context.set_elements(0, {shape.begin() + static_cast<ptrdiff_t>(range.begin),
                           shape.begin() + static_cast<ptrdiff_t>(range.end)});
  return {};
}

Status infer_size(InferContext& context) {
  context.set_tensor(0, DType::s64, Shape{});
  if (context.has_rank(0)) context.set_elements(0, {element_count(context.shape(0))});
  return {};
}

Status run_shape(const Attrs& attrs, RunContext& context) {
  const Dims& dims = context.input(0).dims;
  const Range range = range_of(attrs.as<ShapeAttrs>(), dims.size());
  OCTET_RETURN_IF_ERROR(context.allocate(0, {static_cast<int64_t>(range.end - range.begin)}));
  std::copy(dims.begin() + static_cast<ptrdiff_t>(range.begin),
            dims.begin() + static_cast<ptrdiff_t>(range.end), context.output(0).as<int64_t>());
  return {};
}

Status run_size(const Attrs& /*attrs*/, RunContext& context) {
  *context.output(0).as<int64_t>() = context.input(0).count();
  return {};
}

// Elements aren't read, so any storage and order will do.
std::optional<Ports> match(const LowerContext& context) {
  return Ports{{{PortForm::Storage::stored, context.input_layout(0)}}, {PortForm{}}};
}

template <auto Run>
constexpr Implementation kRows[] = {
    {.name = "shape", .match = match, .prepare = prepare_function<Run>},
    reference<Run>(),
};

}  // namespace

extern const OpDef Shape;
extern const OpDef Size;
const OpDef Shape = {.domain = "",
                     .name = "Shape",
                     .attrs = attr_codec<ShapeAttrs>(),
                     .infer = infer_shape,
                     .implementations = kRows<run_shape>};
const OpDef Size = {
    .domain = "", .name = "Size", .infer = infer_size, .implementations = kRows<run_size>};

}  // namespace octet::ops::shape
