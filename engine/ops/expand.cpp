#include "engine/ops/common/elements.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::expand {
namespace {

Status infer_expand(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  const auto* wanted = context.elements(1);
  if (!context.has_rank(0)) return {};
  if (wanted == nullptr) {
    OCTET_ASSIGN(const auto length, extent_count(context, 1));
    if (!length) return {};
    const size_t rank = std::max(context.shape(0).size(), *length);
    Shape open;
    while (open.size() < rank) open.push_back(Dim::fresh());
    context.set_tensor(0, context.dtype(0), std::move(open));
    return {};
  }
  auto shape = broadcast(context.shape(0), *wanted);
  if (!shape)
    return invalid_model("{} doesn't expand to {}", to_string(context.shape(0)),
                         to_string(*wanted));
  const auto dims = small_dims(shape);
  const auto* elements = context.elements(0);
  if (dims && elements != nullptr && elements->size() == 1)
    context.set_elements(
        0, std::vector<Dim>(static_cast<size_t>(*checked_count(*dims)), elements->front()));
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

Status run_expand(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  copy_strided(y.data, steps_of(y), x.data, broadcast_steps(x, y.dims), y.dims, bytes,
               context.parallel());
  return {};
}

Status infer_tile(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  Shape shape = context.shape(0);
  const auto* repeats = context.elements(1);
  if (repeats != nullptr && repeats->size() != shape.size())
    return invalid_model("'repeats' doesn't have an entry an axis");
  for (size_t a = 0; a < shape.size(); ++a)
    shape[a] = repeats != nullptr ? shape[a] * (*repeats)[a] : Dim::fresh();
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

// Each axis as two: the repeats (step 0) and the extent.
Status run_tile(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const Steps x_steps = steps_of(x);
  const Steps y_steps = steps_of(y);
  const auto repeats = movement::integers_of(context.input(1));
  Dims dims;
  Steps from;
  Steps to;
  for (size_t a = 0; a < x.rank(); ++a) {
    dims.insert(dims.end(), {repeats[a], x.dims[a]});
    from.push_back(0);
    from.push_back(x_steps[a]);
    to.push_back(y_steps[a] * x.dims[a]);
    to.push_back(y_steps[a]);
  }
  copy_strided(y.data, to, x.data, from, dims, bytes, context.parallel());
  return {};
}

}  // namespace

extern const OpDef Expand;
extern const OpDef Tile;
const OpDef Expand = {.domain = "",
                      .name = "Expand",
                      .since = 8,
                      .inputs = {2, 2},
                      .infer = infer_expand,
                      .quant = movement::quant_shared,
                      .implementations = movement::kRows<run_expand, 1>};
const OpDef Tile = {.domain = "",
                    .name = "Tile",
                    .inputs = {2, 2},
                    .infer = infer_tile,
                    .quant = movement::quant_shared,
                    .implementations = movement::kRows<run_tile, 1>};

}  // namespace octet::ops::expand
