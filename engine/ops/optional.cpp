#include "engine/ops/common/control.h"
#include "engine/ops/common/pieces.h"

// Optionals are lists of none or one.

namespace octet::ops::optional {
namespace {

struct OptionalAttrs {
  std::optional<Type> type;  ///< Of the element, when there is none.
  static constexpr auto fields() { return std::tuple{field("type", &OptionalAttrs::type)}; }
};

Status infer_make(InferContext& context) {
  const auto& type = context.attrs<OptionalAttrs>().type;
  if (!context.has_input(0) && !type) return invalid_model("it has neither an input nor a type");
  context.set_output(
      0, Type::of(Type::Kind::optional, context.has_input(0) ? context.input(0) : *type));
  return {};
}

Status infer_element(InferContext& context) {
  const Type& type = context.input(0);
  context.set_output(0, type.kind == Type::Kind::optional && type.element ? *type.element : type);
  return {};
}

Status infer_has(InferContext& context) {
  context.set_tensor(0, DType::boolean, Shape{});
  return {};
}

Status run_make(const Attrs& /*attrs*/, RunContext& context) {
  std::vector<Tensor> elements;
  if (context.has_input(0)) elements.push_back(own(context.input(0)));
  return context.set_boxed(0, Tensor::list(std::move(elements)));
}

// The element of an optional; from opset 18 on a tensor or a sequence may stand for itself.
Status run_element(const Attrs& /*attrs*/, RunContext& context) {
  const auto& elements = context.input(0).boxed->elements();
  if (elements.empty()) return invalid_data("the optional is empty");
  return copy_to_output(context, 0, elements[0]);
}

Status run_itself(const Attrs& /*attrs*/, RunContext& context) {
  return copy_to_output(context, 0, borrow(context.input(0)));
}

Status run_has(const Attrs& /*attrs*/, RunContext& context) {
  *context.output(0).as<bool>() =
      context.has_input(0) && !context.input(0).boxed->elements().empty();
  return {};
}

Status run_has_itself(const Attrs& /*attrs*/, RunContext& context) {
  *context.output(0).as<bool>() = context.has_input(0);
  return {};
}

std::optional<Ports> match_optional(const LowerContext& context) {
  if (!context.has_input(0) || context.input(0).type.kind != Type::Kind::optional)
    return std::nullopt;
  return match_stored(context);
}

template <auto Run, auto RunItself>
constexpr Implementation kRows[] = {
    {.name = "optional", .match = match_optional, .prepare = prepare_function<Run>},
    {.name = "itself", .match = match_stored, .prepare = prepare_function<RunItself>},
};

constexpr Implementation kMakeRows[] = {
    {.name = "optional", .match = match_stored, .prepare = prepare_function<run_make>}};

}  // namespace

extern const OpDef Optional;
extern const OpDef OptionalGetElement;
extern const OpDef OptionalHasElement;
const OpDef Optional = {.domain = "",
                        .name = "Optional",
                        .since = 15,
                        .inputs = {0, 1},
                        .attrs = attr_codec<OptionalAttrs>(),
                        .infer = infer_make,
                        .implementations = kMakeRows};
const OpDef OptionalGetElement = {.domain = "",
                                  .name = "OptionalGetElement",
                                  .since = 15,
                                  .inputs = {1, 1},
                                  .infer = infer_element,
                                  .implementations = kRows<run_element, run_itself>};
const OpDef OptionalHasElement = {.domain = "",
                                  .name = "OptionalHasElement",
                                  .since = 15,
                                  .inputs = {0, 1},
                                  .infer = infer_has,
                                  .implementations = kRows<run_has, run_has_itself>};

}  // namespace octet::ops::optional
