#include <algorithm>

#include "engine/ir/stop.h"
#include "engine/ops/op.h"

namespace octet::ops::max_unpool {
namespace {

struct MaxUnpoolAttrs {
  std::vector<int64_t> kernel_shape = {};
  std::vector<int64_t> pads = {};
  std::vector<int64_t> strides = {};
  static constexpr auto fields() {
    return std::tuple{field("kernel_shape", &MaxUnpoolAttrs::kernel_shape, {.required = true}),
                      field("pads", &MaxUnpoolAttrs::pads),
                      field("strides", &MaxUnpoolAttrs::strides)};
  }
};

Status check(const MaxUnpoolAttrs& attrs, size_t rank) {
  if (rank < 3 || attrs.kernel_shape.size() != rank - 2)
    return invalid_model("kernel_shape doesn't fit the input's rank");
  if (!attrs.pads.empty() && attrs.pads.size() != 2 * (rank - 2))
    return invalid_model("pads don't fit the input's rank");
  if (!attrs.strides.empty() && attrs.strides.size() != rank - 2)
    return invalid_model("strides don't fit the input's rank");
  return {};
}

// The input of the MaxPool whose outputs are taken back, as far as its attributes tell.
Shape pooled_shape(const MaxUnpoolAttrs& attrs, const Shape& x) {
  Shape out = x;
  const size_t spatial = x.size() - 2;
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t stride = attrs.strides.empty() ? 1 : attrs.strides[i];
    const int64_t pads = attrs.pads.empty() ? 0 : attrs.pads[i] + attrs.pads[i + spatial];
    out[i + 2] = (x[i + 2] - Dim(1)) * Dim(stride) + Dim(attrs.kernel_shape[i] - pads);
  }
  return out;
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<MaxUnpoolAttrs>();
  if (!context.has_rank(0)) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  OCTET_RETURN_IF_ERROR(check(attrs, context.shape(0).size()));
  Shape shape = pooled_shape(attrs, context.shape(0));
  if (context.has_input(2)) {
    const auto* dims = context.elements(2);
    if (dims != nullptr && dims->size() != shape.size())
      return invalid_model("output_shape doesn't fit the input's rank");
    for (size_t a = 0; a < shape.size(); ++a)
      shape[a] = dims != nullptr ? (*dims)[a] : Dim::fresh();
  }
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<MaxUnpoolAttrs>();
  const TensorView& x = context.input(0);
  const Dims pooled = known_dims(pooled_shape(attrs, to_shape(x.dims)));
  Dims dims = pooled;
  if (context.has_input(2)) {
    const TensorView& wanted = context.input(2);
    dims.assign(wanted.as<int64_t>(), wanted.as<int64_t>() + wanted.count());
  }
  if (dims.size() != pooled.size() || !checked_count(dims))
    return invalid_data("output_shape doesn't fit the input");
  OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
  const TensorView& y = context.output(0);
  const int64_t* indices = context.input(1).as<int64_t>();
  const int64_t limit = checked_count(pooled).value_or(0);
  bool inside = context.input(1).count() == x.count();
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    std::fill_n(y.as<T>(), y.count(), T{});
    StopPoll poll;
    for (int64_t i = 0; inside && i < x.count(); ++i) {
      poll();
      inside = indices[i] >= 0 && indices[i] < limit;
      int64_t rest = indices[i];
      int64_t at = 0;
      int64_t step = 1;
      for (size_t a = dims.size(); inside && a-- > 0; rest /= pooled[a]) {
        inside = rest % pooled[a] < dims[a];
        at += rest % pooled[a] * step;
        step *= dims[a];
      }
      if (inside) y.as<T>()[at] = x.as<T>()[i];
    }
  });
  if (!known) return unsupported("elements of {}", dtype_name(x.dtype));
  return inside ? Status{} : invalid_data("an index is outside the output");
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef MaxUnpool;
const OpDef MaxUnpool = {
    .domain = "",
    .name = "MaxUnpool",
    .since = 9,
    .inputs = {2, 3},
    .attrs = attr_codec<MaxUnpoolAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::max_unpool
