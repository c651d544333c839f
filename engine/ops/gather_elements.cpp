#include <cstring>

#include "engine/ir/stop.h"
#include "engine/ops/common/axes.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::gather_elements {
namespace {

struct AxisAttrs {
  int64_t axis = 0;
  static constexpr auto fields() { return std::tuple{field("axis", &AxisAttrs::axis)}; }
};

struct GatherNdAttrs {
  int64_t batch_dims = 0;
  static constexpr auto fields() {
    return std::tuple{field("batch_dims", &GatherNdAttrs::batch_dims, {.since = 12})};
  }
};

Status infer_elements(InferContext& context) {
  if (context.has_rank(0)) {
    OCTET_ASSIGN([[maybe_unused]] const size_t axis,
                 context.axis(context.attrs<AxisAttrs>().axis, context.shape(0).size()));
    if (context.has_rank(1) && context.shape(1).size() != context.shape(0).size())
      return invalid_model("data and indices differ in rank");
  }
  context.set_tensor(0, context.dtype(0), context.input(1).shape);
  return {};
}

Status run_elements(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const size_t axis = *normalize_axis(attrs.as<AxisAttrs>().axis, x.rank());
  const auto indices = movement::integers_of(context.input(1));
  const Steps steps = row_major_steps(x.dims);
  const Dims& dims = y.dims;
  for (size_t a = 0; a < dims.size(); ++a)
    if (a != axis && dims[a] > x.dims[a]) return invalid_data("indices reach past the data");
  std::vector<int64_t> index(dims.size(), 0);
  StopPoll poll;
  for (size_t i = 0; i < indices.size(); ++i) {
    poll();
    const auto at = normalize_axis(indices[i], static_cast<size_t>(x.dims[axis]));
    if (!at) return invalid_data("index {} is out of range", indices[i]);
    size_t from = *at * static_cast<size_t>(steps[axis]);
    for (size_t a = 0; a < dims.size(); ++a)
      if (a != axis) from += static_cast<size_t>(index[a] * steps[a]);
    std::memcpy(y.data + i * bytes, x.data + from * bytes, bytes);
    for (size_t a = dims.size(); a-- > 0;) {
      if (++index[a] < dims[a]) break;
      index[a] = 0;
    }
  }
  return {};
}

Status infer_nd(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0) || !context.has_rank(1)) return {};
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  const auto batch = static_cast<size_t>(context.attrs<GatherNdAttrs>().batch_dims);
  if (indices.empty() || batch >= indices.size() || batch > data.size())
    return invalid_model("batch_dims doesn't fit the ranks");
  if (!indices.back().known()) return {};
  const auto depth = static_cast<size_t>(indices.back().value());
  if (batch + depth > data.size()) return invalid_model("indices are longer than the rank");
  Shape out(indices.begin(), indices.end() - 1);
  out.insert(out.end(), data.begin() + static_cast<ptrdiff_t>(batch + depth), data.end());
  context.set_tensor(0, context.dtype(0), std::move(out));
  return {};
}

Status run_nd(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& indices = context.input(1);
  OCTET_ASSIGN(const size_t element, element_bytes(x.dtype));
  const auto batch = static_cast<size_t>(attrs.as<GatherNdAttrs>().batch_dims);
  const auto depth = static_cast<size_t>(indices.dims.back());
  const Steps steps = row_major_steps(x.dims);
  size_t inner = 1;
  for (size_t a = batch + depth; a < x.rank(); ++a) inner *= static_cast<size_t>(x.dims[a]);
  size_t batches = 1;
  for (size_t a = 0; a < batch; ++a) batches *= static_cast<size_t>(x.dims[a]);
  size_t tuples = 1;
  for (size_t a = 0; a + 1 < indices.rank(); ++a) tuples *= static_cast<size_t>(indices.dims[a]);
  if (tuples == 0) return {};
  const size_t batch_elements = static_cast<size_t>(x.count()) / batches;
  const auto values = movement::integers_of(indices);
  StopPoll poll;
  for (size_t t = 0; t < tuples; ++t) {
    poll(inner + depth);
    size_t from = t / (tuples / batches) * batch_elements;
    for (size_t d = 0; d < depth; ++d) {
      const int64_t value = values[t * depth + d];
      const auto at = normalize_axis(value, static_cast<size_t>(x.dims[batch + d]));
      if (!at) return invalid_data("index {} is out of range", value);
      from += *at * static_cast<size_t>(steps[batch + d]);
    }
    std::memcpy(context.output(0).data + t * inner * element, x.data + from * element,
                inner * element);
  }
  return {};
}

}  // namespace

extern const OpDef GatherElements;
extern const OpDef GatherND;
const OpDef GatherElements = {.domain = "",
                              .name = "GatherElements",
                              .since = 11,
                              .inputs = {2, 2},
                              .attrs = attr_codec<AxisAttrs>(),
                              .infer = infer_elements,
                              .quant = movement::quant_shared,
                              .implementations = movement::kRows<run_elements, 1>};
const OpDef GatherND = {.domain = "",
                        .name = "GatherND",
                        .since = 11,
                        .inputs = {2, 2},
                        .attrs = attr_codec<GatherNdAttrs>(),
                        .infer = infer_nd,
                        .quant = movement::quant_shared,
                        .implementations = movement::kRows<run_nd, 1>};

}  // namespace octet::ops::gather_elements
