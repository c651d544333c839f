#include "engine/ops/common/control.h"
#include "engine/ops/common/movement.h"
#include "engine/ops/common/pieces.h"

// Sequences made, changed and measured.

namespace octet::ops::sequence_edit {
namespace {

struct EmptyAttrs {
  int64_t dtype = static_cast<int64_t>(DType::f32);
  static constexpr auto fields() { return std::tuple{field("dtype", &EmptyAttrs::dtype)}; }
};

Status require_sequence(const InferContext& context) {
  const Type& type = context.input(0);
  if (type.kind == Type::Kind::sequence && type.element) return {};
  return invalid_model("input 0 is no sequence, but {}", type.to_string());
}

Status infer_empty(InferContext& context) {
  const int64_t dtype = context.attrs<EmptyAttrs>().dtype;
  if (dtype <= 0 || dtype >= kDTypeCount) return unsupported("elements {}", dtype);
  context.set_output(0, Type::of(Type::Kind::sequence, Type::tensor(static_cast<DType>(dtype))));
  return {};
}

// What all inputs from `first` on are, beside what a sequence already holds.
Result<Type> common(const InferContext& context, size_t first, std::optional<Type> all) {
  for (size_t i = first; i < context.input_count(); ++i) {
    if (!context.has_input(i)) continue;
    const Type& next = context.input(i);
    if (!all) {
      all = next;
      continue;
    }
    OCTET_ASSIGN(all, cover(*all, next));
  }
  return *all;
}

Status infer_construct(InferContext& context) {
  OCTET_ASSIGN(Type element, common(context, 0, std::nullopt));
  context.set_output(0, Type::of(Type::Kind::sequence, std::move(element)));
  return {};
}

Status infer_insert(InferContext& context) {
  OCTET_RETURN_IF_ERROR(require_sequence(context));
  OCTET_ASSIGN(Type element, cover(*context.input(0).element, context.input(1)));
  context.set_output(0, Type::of(Type::Kind::sequence, std::move(element)));
  return {};
}

Status infer_erase(InferContext& context) {
  OCTET_RETURN_IF_ERROR(require_sequence(context));
  context.set_like(0, 0);
  return {};
}

Status infer_length(InferContext& context) {
  OCTET_RETURN_IF_ERROR(require_sequence(context));
  context.set_tensor(0, DType::s64, Shape{});
  return {};
}

// The position that input i gives, among `count` places; without it the last.
Result<size_t> position(const RunContext& context, size_t i, size_t count) {
  const auto size = static_cast<int64_t>(count);
  if (!context.has_input(i)) return count == 0 ? 0 : count - 1;
  const auto given = movement::integers_of(context.input(i));
  if (given.size() != 1) return invalid_data("the position isn't one integer");
  const int64_t at = given[0] < 0 ? given[0] + size : given[0];
  if (at < 0 || at >= size) return invalid_data("position {} is outside the sequence", given[0]);
  return static_cast<size_t>(at);
}

Status run_empty(const Attrs& /*attrs*/, RunContext& context) {
  return context.set_boxed(0, Tensor::list({}));
}

Status run_construct(const Attrs& /*attrs*/, RunContext& context) {
  std::vector<Tensor> elements;
  for (size_t i = 0; i < context.input_count(); ++i) elements.push_back(own(context.input(i)));
  return context.set_boxed(0, Tensor::list(std::move(elements)));
}

// ONNX counts a negative position from the sequence's end, past which nothing is inserted by one.
Status run_insert(const Attrs& /*attrs*/, RunContext& context) {
  std::vector<Tensor> elements = context.input(0).boxed->elements();
  size_t at = elements.size();
  if (context.has_input(2)) {
    const auto given = movement::integers_of(context.input(2));
    const auto size = static_cast<int64_t>(elements.size());
    if (given.size() != 1 || given[0] < -size || given[0] > size)
      return invalid_data("the position is outside the sequence");
    at = static_cast<size_t>(given[0] < 0 ? given[0] + size : given[0]);
  }
  elements.insert(elements.begin() + static_cast<ptrdiff_t>(at), own(context.input(1)));
  return context.set_boxed(0, Tensor::list(std::move(elements)));
}

Status run_erase(const Attrs& /*attrs*/, RunContext& context) {
  std::vector<Tensor> elements = context.input(0).boxed->elements();
  if (elements.empty()) return invalid_data("the sequence is empty");
  OCTET_ASSIGN(const size_t at, position(context, 1, elements.size()));
  elements.erase(elements.begin() + static_cast<ptrdiff_t>(at));
  return context.set_boxed(0, Tensor::list(std::move(elements)));
}

Status run_length(const Attrs& /*attrs*/, RunContext& context) {
  *context.output(0).as<int64_t>() =
      static_cast<int64_t>(context.input(0).boxed->elements().size());
  return {};
}

template <auto Run>
constexpr Implementation kRows[] = {
    {.name = "list", .match = match_stored, .prepare = prepare_function<Run>}};

}  // namespace

extern const OpDef SequenceConstruct;
extern const OpDef SequenceEmpty;
extern const OpDef SequenceErase;
extern const OpDef SequenceInsert;
extern const OpDef SequenceLength;
const OpDef SequenceConstruct = {.domain = "",
                                 .name = "SequenceConstruct",
                                 .since = 11,
                                 .inputs = {1, -1},
                                 .infer = infer_construct,
                                 .implementations = kRows<run_construct>};
const OpDef SequenceEmpty = {.domain = "",
                             .name = "SequenceEmpty",
                             .since = 11,
                             .inputs = {0, 0},
                             .attrs = attr_codec<EmptyAttrs>(),
                             .infer = infer_empty,
                             .implementations = kRows<run_empty>};
const OpDef SequenceErase = {.domain = "",
                             .name = "SequenceErase",
                             .since = 11,
                             .inputs = {1, 2},
                             .infer = infer_erase,
                             .implementations = kRows<run_erase>};
const OpDef SequenceInsert = {.domain = "",
                              .name = "SequenceInsert",
                              .since = 11,
                              .inputs = {2, 3},
                              .infer = infer_insert,
                              .implementations = kRows<run_insert>};
const OpDef SequenceLength = {.domain = "",
                              .name = "SequenceLength",
                              .since = 11,
                              .inputs = {1, 1},
                              .infer = infer_length,
                              .implementations = kRows<run_length>};

}  // namespace octet::ops::sequence_edit
