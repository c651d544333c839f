#include <algorithm>
#include <cstring>

#include "engine/ir/stop.h"
#include "engine/ops/common/movement.h"
#include "engine/ops/common/real.h"

namespace octet::ops::scatter {
namespace {

struct ScatterAttrs {
  int64_t axis = 0;
  std::string reduction = "none";
  static constexpr auto fields() {
    return std::tuple{field("axis", &ScatterAttrs::axis),
                      field("reduction", &ScatterAttrs::reduction, {.since = 16})};
  }
};

struct ScatterNdAttrs {
  std::string reduction = "none";
  static constexpr auto fields() {
    return std::tuple{field("reduction", &ScatterNdAttrs::reduction, {.since = 16})};
  }
};

enum class Reduction : uint8_t { none, add, mul, min, max };

Result<Reduction> reduction_of(const std::string& name) {
  constexpr std::string_view kNames[] = {"none", "add", "mul", "min", "max"};
  const auto* at = std::find(std::begin(kNames), std::end(kNames), name);
  if (at == std::end(kNames)) return unsupported("reduction '{}'", name);
  return static_cast<Reduction>(at - kNames);
}

template <typename A>
Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 2));
  OCTET_ASSIGN(const Reduction reduction, reduction_of(context.attrs<A>().reduction));
  if (reduction != Reduction::none && dtype_bits(context.dtype(0)) < 8)
    return unsupported("reduction of {}", dtype_name(context.dtype(0)));
  context.set_like(0, 0);
  return {};
}

template <typename T>
T combined(T to, T from, Reduction reduction) {
  switch (reduction) {
    case Reduction::add: return wrapping_sum(to, from);
    case Reduction::mul: return wrapping_product(to, from);
    case Reduction::min: return from < to ? from : to;
    case Reduction::max: return from > to ? from : to;
    case Reduction::none: break;
  }
  return from;
}

// `count` elements from `updates` at element `u` into the output at element `o`.
Status place(const TensorView& out, size_t o, const TensorView& updates, size_t u, size_t count,
             Reduction reduction) {
  if (reduction == Reduction::none) {
    const size_t bytes = dtype_bytes(out.dtype, 1);
    std::memcpy(out.data + o * bytes, updates.data + u * bytes, count * bytes);
    return {};
  }
  const bool known = visit_dtype(out.dtype, NumericTypes{}, [&]<typename T>() {
    T* to = out.as<T>() + o;
    const T* from = updates.as<T>() + u;
    for (size_t i = 0; i < count; ++i) to[i] = combined(to[i], from[i], reduction);
  });
  return known ? Status{} : unsupported("reduction of {}", dtype_name(out.dtype));
}

Status start(RunContext& context) {
  const TensorView& x = context.input(0);
  OCTET_ASSIGN([[maybe_unused]] const size_t bytes, element_bytes(x.dtype));
  copy_bytes(context.output(0).data, x.data, x.bytes().size(), context.parallel());
  return {};
}

Status run_elements(const Attrs& attrs, RunContext& context) {
  OCTET_RETURN_IF_ERROR(start(context));
  const TensorView& y = context.output(0);
  const TensorView& updates = context.input(2);
  const int64_t given_axis = attrs.as<ScatterAttrs>().axis;
  OCTET_ASSIGN(const Reduction reduction, reduction_of(attrs.as<ScatterAttrs>().reduction));
  const auto normal = normalize_axis(given_axis, y.rank());
  if (!normal) return invalid_model("axis {}", given_axis);
  const size_t axis = *normal;
  const auto indices = movement::integers_of(context.input(1));
  const Dims& dims = context.input(1).dims;
  if (dims.size() != y.rank() || updates.dims != dims)
    return invalid_data("data, indices and updates don't fit each other");
  const Steps steps = row_major_steps(y.dims);
  std::vector<int64_t> index(dims.size(), 0);
  StopPoll poll;
  for (size_t i = 0; i < indices.size(); ++i) {
    poll(2);
    const auto at = normalize_axis(indices[i], static_cast<size_t>(y.dims[axis]));
    if (!at) return invalid_data("index {} is out of range", indices[i]);
    size_t to = *at * static_cast<size_t>(steps[axis]);
    for (size_t a = 0; a < dims.size(); ++a) {
      if (a == axis) continue;
      if (index[a] >= y.dims[a]) return invalid_data("indices reach past the data");
      to += static_cast<size_t>(index[a] * steps[a]);
    }
    OCTET_RETURN_IF_ERROR(place(y, to, updates, i, 1, reduction));
    for (size_t a = dims.size(); a-- > 0;) {
      if (++index[a] < dims[a]) break;
      index[a] = 0;
    }
  }
  return {};
}

Status run_nd(const Attrs& attrs, RunContext& context) {
  OCTET_RETURN_IF_ERROR(start(context));
  OCTET_ASSIGN(const Reduction reduction, reduction_of(attrs.as<ScatterNdAttrs>().reduction));
  const TensorView& y = context.output(0);
  const TensorView& indices = context.input(1);
  const auto depth = static_cast<size_t>(indices.dims.back());
  if (depth > y.rank()) return invalid_model("indices are longer than the rank");
  const Steps steps = row_major_steps(y.dims);
  size_t inner = 1;
  for (size_t a = depth; a < y.rank(); ++a) inner *= static_cast<size_t>(y.dims[a]);
  const auto values = movement::integers_of(indices);
  const size_t tuples = depth == 0 ? 0 : values.size() / depth;
  if (context.input(2).count() < static_cast<int64_t>(tuples * inner))
    return invalid_data("there are fewer updates than indices");
  StopPoll poll;
  for (size_t t = 0; t < tuples; ++t) {
    poll(inner + depth);
    size_t to = 0;
    for (size_t d = 0; d < depth; ++d) {
      const int64_t value = values[t * depth + d];
      const auto at = normalize_axis(value, static_cast<size_t>(y.dims[d]));
      if (!at) return invalid_data("index {} is out of range", value);
      to += *at * static_cast<size_t>(steps[d]);
    }
    OCTET_RETURN_IF_ERROR(place(y, to, context.input(2), t * inner, inner, reduction));
  }
  return {};
}

constexpr Implementation kElementsRows[] = {recoded<run_elements>(), reference<run_elements>()};
constexpr Implementation kNdRows[] = {recoded<run_nd>(), reference<run_nd>()};

}  // namespace

extern const OpDef Scatter;
extern const OpDef ScatterElements;
extern const OpDef ScatterND;
const OpDef Scatter = {.domain = "",
                       .name = "Scatter",
                       .since = 9,
                       .inputs = {3, 3},
                       .attrs = attr_codec<ScatterAttrs>(),
                       .infer = infer<ScatterAttrs>,
                       .implementations = kElementsRows};
const OpDef ScatterElements = {.domain = "",
                               .name = "ScatterElements",
                               .since = 11,
                               .inputs = {3, 3},
                               .attrs = attr_codec<ScatterAttrs>(),
                               .infer = infer<ScatterAttrs>,
                               .implementations = kElementsRows};
const OpDef ScatterND = {.domain = "",
                         .name = "ScatterND",
                         .since = 11,
                         .inputs = {3, 3},
                         .attrs = attr_codec<ScatterNdAttrs>(),
                         .infer = infer<ScatterNdAttrs>,
                         .implementations = kNdRows};

}  // namespace octet::ops::scatter
