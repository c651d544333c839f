#include <algorithm>

#include "engine/ops/common/elements.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::squeeze {
namespace {

struct AxesAttrs {
  std::optional<std::vector<int64_t>> axes;
  static constexpr auto fields() {
    return std::tuple{field("axes", &AxesAttrs::axes, {.until = 12})};
  }
};

Status canonical(const CanonicalContext& context) {
  if (context.opset < 13)
    movement::attribute_to_input(context, 1, context.attrs<AxesAttrs>().axes, "axes");
  return {};
}

// Which of `rank` axes are named; an error for one that is outside or named twice.
Result<std::vector<bool>> named_axes(const InferContext& context, const std::vector<int64_t>& axes,
                                     size_t rank) {
  std::vector<bool> named(rank, false);
  for (const int64_t axis : axes) {
    OCTET_ASSIGN(const size_t index, context.axis(axis, rank));
    if (named[index]) return invalid_model("axis {} is named twice", axis);
    named[index] = true;
  }
  return named;
}

Status infer_squeeze(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  const Shape& shape = context.shape(0);
  std::vector<bool> drop(shape.size(), false);
  if (context.has_input(1)) {
    const auto axes = context.known_elements(1);
    if (!axes) return {};
    OCTET_ASSIGN(drop, named_axes(context, *axes, shape.size()));
  } else {
    if (!all_known(shape)) return {};
    for (size_t a = 0; a < shape.size(); ++a) drop[a] = shape[a] == Dim(1);
  }
  Shape out;
  for (size_t a = 0; a < shape.size(); ++a) {
    if (!drop[a])
      out.push_back(shape[a]);
    else if (shape[a].known() && shape[a] != Dim(1))
      return invalid_model("axis {} of {} can't be squeezed", a, to_string(shape));
  }
  context.set_tensor(0, context.dtype(0), std::move(out));
  infer_same_elements(context);
  return {};
}

Status infer_unsqueeze(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  const auto axes = context.known_elements(1);
  if (!context.has_rank(0) || !axes) return {};
  const Shape& shape = context.shape(0);
  OCTET_ASSIGN(const auto added, named_axes(context, *axes, shape.size() + axes->size()));
  Shape out;
  size_t next = 0;
  for (const bool add : added) out.push_back(add ? Dim(1) : shape[next++]);
  context.set_tensor(0, context.dtype(0), std::move(out));
  infer_same_elements(context);
  return {};
}

}  // namespace

extern const OpDef Squeeze;
extern const OpDef Unsqueeze;
const OpDef Squeeze = {.domain = "",
                       .name = "Squeeze",
                       .inputs = {1, 2},
                       .attrs = attr_codec<AxesAttrs>(),
                       .canonical = canonical,
                       .infer = infer_squeeze,
                       .alias = {AliasRule::Kind::view},
                       .quant = movement::quant_shared,
                       .implementations = movement::kRows<movement::run_copy, 1>};
const OpDef Unsqueeze = {.domain = "",
                         .name = "Unsqueeze",
                         .inputs = {1, 2},
                         .attrs = attr_codec<AxesAttrs>(),
                         .canonical = canonical,
                         .infer = infer_unsqueeze,
                         .alias = {AliasRule::Kind::view},
                         .quant = movement::quant_shared,
                         .implementations = movement::kRows<movement::run_copy, 1>};

}  // namespace octet::ops::squeeze
