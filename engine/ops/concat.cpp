#include "engine/ops/common/movement.h"

namespace octet::ops::concat {
namespace {

struct ConcatAttrs {
  int64_t axis = 1;
  static constexpr auto fields() {
    return std::tuple{field("axis", &ConcatAttrs::axis, {.required = true})};
  }
};

// A rank and extents from whichever inputs know them.
Result<std::optional<Shape>> joined(const InferContext& context) {
  std::optional<Shape> out;
  std::optional<size_t> axis;
  bool open = false;
  for (size_t i = 0; i < context.input_count(); ++i) {
    if (!context.has_rank(i)) {
      open = true;
      continue;
    }
    const Shape& shape = context.shape(i);
    if (!out) {
      OCTET_ASSIGN(axis, context.axis(context.attrs<ConcatAttrs>().axis, shape.size()));
      out = shape;
      continue;
    }
    if (shape.size() != out->size()) return invalid_model("inputs differ in rank");
    for (size_t a = 0; a < shape.size(); ++a) {
      if (a == *axis) {
        (*out)[a] = (*out)[a] + shape[a];
      } else if (!(*out)[a].known()) {
        (*out)[a] = shape[a];
      } else if (shape[a].known() && shape[a] != (*out)[a]) {
        return invalid_model("inputs differ along axis {}", a);
      }
    }
  }
  if (out && open) (*out)[*axis] = Dim::fresh();
  return out;
}

Status infer(InferContext& context) {
  for (size_t i = 1; i < context.input_count(); ++i)
    OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, i));
  OCTET_ASSIGN(auto shape, joined(context));
  const bool vector = shape && shape->size() == 1;
  context.set_tensor(0, context.dtype(0), std::move(shape));
  if (!vector) return {};
  std::vector<Dim> elements;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const auto* next = context.elements(i);
    if (next == nullptr) return {};
    elements.insert(elements.end(), next->begin(), next->end());
  }
  context.set_elements(0, std::move(elements));
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(y.dtype));
  const size_t axis = *normalize_axis(attrs.as<ConcatAttrs>().axis, y.rank());
  const Steps steps = steps_of(y);
  std::byte* to = y.data;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const TensorView& x = context.input(i);
    copy_strided(to, steps, x.data, steps_of(x), x.dims, bytes, context.parallel());
    to += x.dims[axis] * steps[axis] * static_cast<int64_t>(bytes);
  }
  return {};
}

QuantSpec quant(const Graph&, const Node& node) {
  const PortQuant shared{PortQuant::Role::shared};
  QuantSpec spec{.inputs = {node.inputs.size(), shared}, .outputs = {shared}};
  spec.inputs[0].role = PortQuant::Role::activation;
  return spec;
}

}  // namespace

extern const OpDef Concat;
const OpDef Concat = {.domain = "",
                      .name = "Concat",
                      .inputs = {1, -1},
                      .attrs = attr_codec<ConcatAttrs>(),
                      .infer = infer,
                      .quant = quant,
                      .implementations = movement::kLayoutRows<run, 0>};

}  // namespace octet::ops::concat
