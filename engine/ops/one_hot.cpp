#include <cstring>

#include "engine/ir/stop.h"
#include "engine/ops/common/axes.h"
#include "engine/ops/common/movement.h"
#include "engine/ops/common/real.h"

namespace octet::ops::one_hot {
namespace {

struct OneHotAttrs {
  int64_t axis = -1;
  static constexpr auto fields() { return std::tuple{field("axis", &OneHotAttrs::axis)}; }
};

Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(2));
  if (!context.has_rank(0)) return {};
  Shape out = context.shape(0);
  OCTET_ASSIGN(const size_t axis, context.axis(context.attrs<OneHotAttrs>().axis, out.size() + 1));
  const auto* depth = context.elements(1);
  Dim extent = depth != nullptr && depth->size() == 1 ? depth->front() : Dim::fresh();
  // A depth of another type than the integers that inference carries.
  if (const Tensor* constant = context.constant(1); depth == nullptr && constant != nullptr)
    if (const auto values = constant->to_float(); !values.empty())
      extent = Dim(integer_of<int64_t>(static_cast<double>(values[0])));
  out.insert(out.begin() + static_cast<ptrdiff_t>(axis), extent);
  context.set_tensor(0, context.dtype(2), std::move(out));
  return {};
}

Result<int64_t> number(const TensorView& view, size_t i) {
  int64_t value = 0;
  const bool known = visit_dtype(view.dtype, NumericTypes{}, [&]<typename T>() {
    if constexpr (std::is_floating_point_v<T>)
      value = integer_of<int64_t>(static_cast<double>(view.as<T>()[i]));
    else
      value = static_cast<int64_t>(view.as<T>()[i]);
  });
  if (!known) return unsupported("indices of type {}", dtype_name(view.dtype));
  return value;
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& indices = context.input(0);
  const TensorView& values = context.input(2);
  OCTET_ASSIGN(const size_t bytes, element_bytes(values.dtype));
  OCTET_ASSIGN(const int64_t depth, number(context.input(1), 0));
  if (depth < 0 || values.count() != 2) return invalid_data("the depth or the values are wrong");
  const size_t axis = *normalize_axis(attrs.as<OneHotAttrs>().axis, indices.rank() + 1);
  Dims dims = indices.dims;
  dims.insert(dims.begin() + static_cast<ptrdiff_t>(axis), depth);
  OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
  std::byte* y = context.output(0).data;
  const AxisCut cut = cut_at(dims, axis);
  const size_t count = cut.outer * cut.extent * cut.inner;
  StopPoll poll;
  for (size_t i = 0; i < count; ++i) {
    poll();
    std::memcpy(y + i * bytes, values.data, bytes);
  }
  for (size_t i = 0; i < cut.outer * cut.inner; ++i) {
    poll();
    OCTET_ASSIGN(int64_t index, number(indices, i));
    if (index < -depth || index >= depth) continue;
    if (index < 0) index += depth;
    const size_t at =
        (i / cut.inner * cut.extent + static_cast<size_t>(index)) * cut.inner + i % cut.inner;
    std::memcpy(y + at * bytes, values.data + bytes, bytes);
  }
  return {};
}

constexpr Implementation kRows[] = {recoded<run>(), reference<run>()};

}  // namespace

extern const OpDef OneHot;
const OpDef OneHot = {.domain = "",
                      .name = "OneHot",
                      .since = 9,
                      .inputs = {3, 3},
                      .attrs = attr_codec<OneHotAttrs>(),
                      .infer = infer,
                      .implementations = kRows};

}  // namespace octet::ops::one_hot
