#include <algorithm>

#include "engine/ops/common/elements.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::reshape {
namespace {

struct ReshapeAttrs {
  int64_t allowzero = 0;
  static constexpr auto fields() {
    return std::tuple{field("allowzero", &ReshapeAttrs::allowzero, {.since = 14})};
  }
};

struct FlattenAttrs {
  int64_t axis = 1;
  static constexpr auto fields() { return std::tuple{field("axis", &FlattenAttrs::axis)}; }
};

// What one extent must be for the counts to agree. Equal factors cancel first, so that symbols
// divide out and an empty batch keeps its other extents.
Dim remaining(Shape from, const Shape& others) {
  Dim rest(1);
  for (const Dim& other : others) {
    const auto at = std::find(from.begin(), from.end(), other);
    if (at != from.end())
      from.erase(at);
    else
      rest = rest * other;
  }
  return floor_div(element_count(from), rest);
}

Status infer_reshape(InferContext& context) {
  const auto* wanted = context.elements(1);
  if (wanted == nullptr) {
    OCTET_ASSIGN(const auto rank, extent_count(context, 1));
    std::optional<Shape> shape;
    if (rank)
      for (shape.emplace(); shape->size() < *rank;) shape->push_back(Dim::fresh());
    context.set_tensor(0, context.dtype(0), std::move(shape));
    return {};
  }
  const bool copies = context.attrs<ReshapeAttrs>().allowzero == 0;
  Shape out;
  Shape others;
  std::optional<size_t> open;
  for (size_t i = 0; i < wanted->size(); ++i) {
    Dim dim = (*wanted)[i];
    if (dim == Dim(-1)) {
      if (open) return invalid_model("the new shape has two extents of -1");
      open = i;
      out.emplace_back(-1);
      continue;
    }
    if (dim == Dim(0) && copies) {
      if (!context.has_rank(0))
        dim = Dim::fresh();
      else if (i >= context.shape(0).size())
        return invalid_model("the new shape copies an extent that the input lacks");
      else
        dim = context.shape(0)[i];
    }
    if (dim.known() && dim.value() < 0) return invalid_model("the new shape is negative");
    others.push_back(dim);
    out.push_back(std::move(dim));
  }
  if (open) out[*open] = context.has_rank(0) ? remaining(context.shape(0), others) : Dim::fresh();
  if (context.has_rank(0) && all_known(context.shape(0)) && all_known(out) &&
      element_count(out) != element_count(context.shape(0)))
    return invalid_data("{} doesn't reshape to {}", to_string(context.shape(0)), to_string(out));
  context.set_tensor(0, context.dtype(0), std::move(out));
  infer_same_elements(context);
  return {};
}

Status infer_flatten(InferContext& context) {
  if (!context.has_rank(0)) {
    context.set_tensor(0, context.dtype(0), Shape{Dim::fresh(), Dim::fresh()});
    return {};
  }
  const Shape& shape = context.shape(0);
  const auto rank = static_cast<int64_t>(shape.size());
  int64_t axis = context.attrs<FlattenAttrs>().axis;
  if (axis < -rank || axis > rank) return invalid_model("axis {}", axis);
  if (axis < 0) axis += rank;
  const auto middle = shape.begin() + axis;
  context.set_tensor(
      0, context.dtype(0),
      Shape{element_count({shape.begin(), middle}), element_count({middle, shape.end()})});
  infer_same_elements(context);
  return {};
}

}  // namespace

extern const OpDef Flatten;
extern const OpDef Reshape;
const OpDef Flatten = {.domain = "",
                       .name = "Flatten",
                       .attrs = attr_codec<FlattenAttrs>(),
                       .infer = infer_flatten,
                       .alias = {AliasRule::Kind::view},
                       .quant = movement::quant_shared,
                       .implementations = movement::kRows<movement::run_copy, 1>};
const OpDef Reshape = {.domain = "",
                       .name = "Reshape",
                       .inputs = {2, 2},
                       .attrs = attr_codec<ReshapeAttrs>(),
                       .infer = infer_reshape,
                       .alias = {AliasRule::Kind::view},
                       .quant = movement::quant_shared,
                       .implementations = movement::kRows<movement::run_copy, 1>};

}  // namespace octet::ops::reshape
