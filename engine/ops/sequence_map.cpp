#include "engine/ops/common/control.h"
#include "engine/ops/common/pieces.h"

namespace octet::ops::sequence_map {
namespace {

constexpr std::string_view kBodies[] = {"body"};

size_t formal_count(const Node& node) { return node.inputs.size() - node.captures; }

Status infer(InferContext& context) {
  std::vector<Type> formals;
  for (size_t i = 0; i < formal_count(context.node()); ++i) {
    const Type& type = context.input(i);
    if (type.kind == Type::Kind::sequence && type.element)
      formals.push_back(*type.element);
    else if (i == 0)
      return invalid_model("input 0 is no sequence, but {}", type.to_string());
    else
      formals.push_back(type);
  }
  OCTET_ASSIGN(auto outputs, context.infer_body(0, std::move(formals)));
  if (outputs.size() != context.output_count())
    return invalid_model("the subgraph gives {} values, not {}", outputs.size(),
                         context.output_count());
  for (size_t i = 0; i < outputs.size(); ++i)
    if (context.has_output(i))
      context.set_output(i, Type::of(Type::Kind::sequence, std::move(outputs[i])));
  return {};
}

// Sequences as long as the first are walked together; other inputs are the same for every element.
Status run(const Attrs& /*attrs*/, RunContext& context) {
  BodyRunner* bodies = context.bodies();
  if (bodies == nullptr) return unsupported("subgraphs don't run here");
  const size_t formals = formal_count(context.node());
  const auto inputs = borrow_inputs(context, 0);
  const size_t length = inputs[0].elements().size();
  for (size_t i = 0; i < formals; ++i)
    if (inputs[i].is_list() && inputs[i].elements().size() != length)
      return invalid_data("the sequences differ in length");
  std::vector<std::vector<Tensor>> made(context.output_count());
  for (size_t e = 0; e < length; ++e) {
    if (context.stopped()) return Error{ErrorCode::deadline, "stopped"};
    std::vector<Tensor> arguments = inputs;
    for (size_t i = 0; i < formals; ++i)
      if (inputs[i].is_list()) arguments[i] = inputs[i].elements()[e];
    OCTET_ASSIGN(auto results, bodies->run(0, std::move(arguments)));
    for (size_t k = 0; k < made.size(); ++k) made[k].push_back(std::move(results[k]));
  }
  for (size_t k = 0; k < made.size(); ++k)
    OCTET_RETURN_IF_ERROR(context.set_boxed(k, Tensor::list(std::move(made[k]))));
  return {};
}

constexpr Implementation kRows[] = {
    {.name = "bodies", .match = match_logical, .prepare = prepare_function<run>}};

}  // namespace

extern const OpDef SequenceMap;
const OpDef SequenceMap = {.domain = "",
                           .name = "SequenceMap",
                           .since = 17,
                           .inputs = {1, -1},
                           .outputs = {1, -1},
                           .bodies = kBodies,
                           .infer = infer,
                           .implementations = kRows,
                           .foldable = false};

}  // namespace octet::ops::sequence_map
