#include "engine/ops/common/control.h"
#include "engine/ops/common/pieces.h"

namespace octet::ops::concat_from_sequence {
namespace {

struct ConcatFromSequenceAttrs {
  int64_t axis = 0;
  int64_t new_axis = 0;
  static constexpr auto fields() {
    using A = ConcatFromSequenceAttrs;
    return std::tuple{field("axis", &A::axis, {.required = true}), field("new_axis", &A::new_axis)};
  }
};

Status infer(InferContext& context) {
  const Type& sequence = context.input(0);
  if (sequence.kind != Type::Kind::sequence || !sequence.element ||
      sequence.element->kind != Type::Kind::tensor)
    return invalid_model("input 0 is no sequence of tensors, but {}", sequence.to_string());
  const auto& attrs = context.attrs<ConcatFromSequenceAttrs>();
  std::optional<Shape> shape = sequence.element->shape;
  if (shape) {
    const size_t rank = shape->size() + (attrs.new_axis != 0 ? 1 : 0);
    OCTET_ASSIGN(const size_t axis, context.axis(attrs.axis, rank));
    const auto at = shape->begin() + static_cast<ptrdiff_t>(axis);
    if (attrs.new_axis != 0)
      shape->insert(at, Dim::fresh());
    else
      *at = Dim::fresh();
  }
  context.set_tensor(0, sequence.element->dtype, std::move(shape));
  return {};
}

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<ConcatFromSequenceAttrs>();
  OCTET_ASSIGN(const Tensor joined,
               join(context.input(0).boxed->elements(), attrs.axis, attrs.new_axis != 0));
  return copy_to_output(context, 0, joined);
}

constexpr Implementation kRows[] = {
    {.name = "list", .match = match_stored, .prepare = prepare_function<run>}};

}  // namespace

extern const OpDef ConcatFromSequence;
const OpDef ConcatFromSequence = {.domain = "",
                                  .name = "ConcatFromSequence",
                                  .since = 11,
                                  .inputs = {1, 1},
                                  .attrs = attr_codec<ConcatFromSequenceAttrs>(),
                                  .infer = infer,
                                  .implementations = kRows};

}  // namespace octet::ops::concat_from_sequence
