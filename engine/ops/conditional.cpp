#include "engine/ops/common/control.h"

namespace octet::ops::conditional {
namespace {

constexpr std::string_view kBodies[] = {"then_branch", "else_branch"};

Status infer(InferContext& context) {
  OCTET_ASSIGN(const auto taken, context.infer_body(0, {}));
  OCTET_ASSIGN(const auto otherwise, context.infer_body(1, {}));
  if (taken.size() != context.output_count() || otherwise.size() != context.output_count())
    return invalid_model("the branches give {} and {} values, not {}", taken.size(),
                         otherwise.size(), context.output_count());
  for (size_t i = 0; i < taken.size(); ++i) {
    OCTET_ASSIGN(Type both, cover(taken[i], otherwise[i]));
    context.set_output(i, std::move(both));
  }
  return {};
}

// The condition as far as it is known before data is.
std::optional<bool> known_condition(const Value& value) {
  if (value.constant && value.constant->dtype() == DType::boolean && value.constant->count() == 1)
    return value.constant->as<bool>()[0];
  if (value.elements && value.elements->size() == 1 && (*value.elements)[0].known())
    return (*value.elements)[0].value() != 0;
  return std::nullopt;
}

// Puts the nodes of a body without formal inputs in front of the node; gives the body's outputs.
std::vector<ValueId> inline_body(Graph& graph, NodeId id, const Graph& body) {
  std::vector<ValueId> mapped(body.value_capacity(), kNoValue);
  const std::vector<ValueId> captures(graph.node(id).inputs.begin() + 1,
                                      graph.node(id).inputs.end());
  for (size_t i = 0; i < body.inputs.size(); ++i) mapped[body.inputs[i]] = captures[i];
  for (ValueId value = 0; value < body.value_capacity(); ++value) {
    if (!body.alive_value(value) || mapped[value] != kNoValue) continue;
    const Value& from = body.value(value);
    const std::string name = graph.unique_name(from.name);
    mapped[value] = from.constant ? graph.add_constant(name, *from.constant, from.quant)
                                  : graph.add_value(name);
  }
  for (const NodeId inner : body.order()) {
    Node copy = body.node(inner);
    for (auto* ports : {&copy.inputs, &copy.outputs})
      for (ValueId& port : *ports)
        if (port != kNoValue) port = mapped[port];
    graph.add_node(std::move(copy), id);
  }
  std::vector<ValueId> outputs;
  for (const ValueId output : body.outputs()) outputs.push_back(mapped[output]);
  return outputs;
}

// A branch that is known to be taken takes the node's place, so that what the other one says of
// shapes contradicts nothing.
Status canonical(const CanonicalContext& context) {
  Graph& graph = context.graph;
  const auto condition = known_condition(graph.value(context.node().inputs[0]));
  if (!condition) return {};
  const auto body = context.node().bodies[*condition ? 0 : 1];
  if (body->inputs.size() + 1 != context.node().inputs.size() ||
      body->outputs().size() != context.node().outputs.size())
    return {};  // Inference says what is wrong.
  const auto values = inline_body(graph, context.id, *body);
  const auto outputs = context.node().outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == kNoValue) continue;
    Node same;
    same.op = &require_op("", "Identity");
    same.opset = kWrittenOpset;
    same.name = graph.value(outputs[i]).name;
    same.inputs = {values[i]};
    same.attrs = Attrs::of(NoAttrs{});
    const NodeId added = graph.add_node(std::move(same), context.id);
    graph.set_output(context.id, i, kNoValue);
    graph.append_output(added, outputs[i]);
  }
  graph.remove_node(context.id);
  return {};
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  BodyRunner* bodies = context.bodies();
  if (bodies == nullptr) return unsupported("subgraphs don't run here");
  const TensorView& condition = context.input(0);
  if (condition.count() != 1) return invalid_data("the condition isn't one element");
  const size_t branch = *condition.as<bool>() ? 0 : 1;
  OCTET_ASSIGN(const auto results, bodies->run(branch, borrow_inputs(context, 1)));
  for (size_t i = 0; i < results.size(); ++i)
    OCTET_RETURN_IF_ERROR(copy_to_output(context, i, results[i]));
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "bodies", .match = match_logical, .prepare = prepare_function<run>},
};

}  // namespace

extern const OpDef If;
const OpDef If = {
    .domain = "",
    .name = "If",
    .inputs = {1, -1},
    .outputs = {1, -1},
    .bodies = kBodies,
    .canonical = canonical,
    .infer = infer,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::conditional
