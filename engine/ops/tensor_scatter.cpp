#include <cstring>

#include "engine/ops/common/axes.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::tensor_scatter {
namespace {

struct TensorScatterAttrs {
  int64_t axis = -2;
  std::string mode = "linear";
  static constexpr auto fields() {
    return std::tuple{field("axis", &TensorScatterAttrs::axis),
                      field("mode", &TensorScatterAttrs::mode)};
  }
};

Status infer(InferContext& context) {
  const auto& [axis, mode] = context.attrs<TensorScatterAttrs>();
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  if (context.has_input(2)) OCTET_RETURN_IF_ERROR(context.require(2, {DType::s64}));
  if (mode != "linear" && mode != "circular") return invalid_model("mode '{}'", mode);
  if (context.has_rank(0)) {
    OCTET_ASSIGN(const size_t at, context.axis(axis, context.shape(0).size()));
    if (at == 0) return invalid_model("axis 0 is the batch's");
    if (context.has_rank(1) && context.shape(1).size() != context.shape(0).size())
      return invalid_model("the update has another rank than the cache");
  }
  context.set_like(0, 0);
  return {};
}

Status check_update(const TensorView& cache, const TensorView& update, size_t axis) {
  bool fits = update.rank() == cache.rank();
  for (size_t a = 0; a < cache.rank() && fits; ++a)
    fits = a == axis ? update.dims[a] <= cache.dims[a] : update.dims[a] == cache.dims[a];
  return fits ? Status{} : invalid_data("the update doesn't fit the cache");
}

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<TensorScatterAttrs>();
  const TensorView& cache = context.input(0);
  const TensorView& update = context.input(1);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t element, element_bytes(y.dtype));
  const size_t axis = *normalize_axis(attrs.axis, cache.rank());
  OCTET_RETURN_IF_ERROR(check_update(cache, update, axis));
  const bool circular = attrs.mode == "circular";
  const AxisCut to = cut_at(cache.dims, axis);
  const AxisCut from = cut_at(update.dims, axis);
  const auto batch = static_cast<size_t>(cache.dims[0]);
  const size_t rows_each = to.outer / std::max<size_t>(batch, 1);
  if (context.has_input(2) && context.input(2).count() != cache.dims[0])
    return invalid_data("there isn't one write index for each sample");
  if (cache.data != y.data) std::memcpy(y.data, cache.data, cache.bytes().size());
  const size_t bytes = to.inner * element;
  for (size_t row = 0; row < to.outer; ++row) {
    const int64_t first =
        context.has_input(2) ? context.input(2).as<int64_t>()[row / rows_each] : 0;
    if (first < 0 || (!circular && static_cast<size_t>(first) + from.extent > to.extent))
      return invalid_data("write index {} is outside the cache", first);
    for (size_t i = 0; i < from.extent; ++i) {
      const size_t at = (static_cast<size_t>(first) + i) % to.extent;
      std::memcpy(y.data + (row * to.extent + at) * bytes,
                  update.data + (row * from.extent + i) * bytes, bytes);
    }
  }
  return {};
}

}  // namespace

extern const OpDef TensorScatter;
const OpDef TensorScatter = {.domain = "",
                             .name = "TensorScatter",
                             .since = 24,
                             .inputs = {2, 3},
                             .attrs = attr_codec<TensorScatterAttrs>(),
                             .infer = infer,
                             .implementations = movement::kRows<run, 2>};

}  // namespace octet::ops::tensor_scatter
