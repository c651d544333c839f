#include <cstring>
#include <limits>

#include "engine/ops/common/control.h"
#include "engine/ops/common/pieces.h"

namespace octet::ops::loop {
namespace {

constexpr std::string_view kBodies[] = {"body"};
constexpr size_t kFirstState = 2;  // Behind the trip count and the condition.

size_t state_count(const Node& node) { return node.inputs.size() - node.captures - kFirstState; }

Status infer(InferContext& context) {
  const size_t states = state_count(context.node());
  std::vector<Type> formals = {Type::tensor(DType::s64, Shape{}),
                               Type::tensor(DType::boolean, Shape{})};
  for (size_t i = 0; i < states; ++i) formals.push_back(context.input(kFirstState + i));
  OCTET_ASSIGN(const auto outputs, infer_iterated(context, formals, kFirstState, states, 1));
  if (outputs.size() != context.output_count() + 1)
    return invalid_model("the subgraph gives {} values for a condition and {} outputs",
                         outputs.size(), context.output_count());
  for (size_t i = 0; i < context.output_count(); ++i) {
    if (i < states) {
      const Type& state = formals[kFirstState + i];
      context.set_output(i, state.kind == outputs[i + 1].kind ? state : outputs[i + 1]);
      continue;
    }
    std::optional<Shape> shape = outputs[i + 1].shape;
    if (shape) shape->insert(shape->begin(), Dim::fresh());
    context.set_tensor(i, outputs[i + 1].dtype, std::move(shape));
  }
  return {};
}

// Parts of equal dims under a new first axis. Without any, dims are those of the body's type.
Status stack(RunContext& context, size_t output, const std::vector<Tensor>& parts) {
  if (!context.has_output(output)) return {};
  Dims dims = {static_cast<int64_t>(parts.size())};
  if (parts.empty()) {
    const Graph& body = *context.node().bodies[0];
    const auto& shape = body.value(body.outputs()[output + 1]).type.shape;
    for (const Dim& d : shape.value_or(Shape{})) dims.push_back(d.maybe().value_or(0));
  } else {
    dims.insert(dims.end(), parts[0].dims().begin(), parts[0].dims().end());
  }
  if (context.output(output).dtype == DType::string) {
    if (parts.empty()) return context.set_boxed(output, Tensor::strings(dims, {}));
    OCTET_ASSIGN(Tensor joined, join(parts, 0, true));
    return context.set_boxed(output, std::move(joined));
  }
  OCTET_RETURN_IF_ERROR(context.allocate(output, std::move(dims)));
  std::byte* to = context.output(output).data;
  for (const Tensor& part : parts) {
    if (part.dims() != parts[0].dims() || part.dtype() != context.output(output).dtype)
      return invalid_data("output {} changes between iterations", output);
    if (!part.bytes().empty()) std::memcpy(to, part.bytes().data(), part.bytes().size());
    to += part.bytes().size();
  }
  return {};
}

// A state that begins as an optional may go on as what the optional holds.
Tensor as_formal(const Node& node, size_t input, const Tensor& state, int64_t iteration) {
  const Graph& body = *node.bodies[0];
  const auto kind_of = [&](ValueId id) { return body.value(id).type.kind; };
  const bool wrapped = kind_of(body.inputs[input]) == Type::Kind::optional && iteration > 0 &&
                       kind_of(body.outputs()[input - 1]) != Type::Kind::optional;
  return wrapped ? Tensor::list({state}) : state;
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  BodyRunner* bodies = context.bodies();
  if (bodies == nullptr) return unsupported("subgraphs don't run here");
  const size_t states = state_count(context.node());
  const int64_t trips =
      context.has_input(0) ? *context.input(0).as<int64_t>() : std::numeric_limits<int64_t>::max();
  bool more = !context.has_input(1) || *context.input(1).as<bool>();
  auto inputs = borrow_inputs(context, kFirstState);
  std::vector<Tensor> state(inputs.begin(), inputs.begin() + static_cast<ptrdiff_t>(states));
  const std::vector<Tensor> captures(inputs.begin() + static_cast<ptrdiff_t>(states), inputs.end());
  std::vector<std::vector<Tensor>> parts(context.output_count() - states);
  for (int64_t i = 0; i < trips && more; ++i) {
    if (context.stopped()) return Error{ErrorCode::deadline, "stopped"};
    std::vector<Tensor> arguments = {Tensor::scalar(i), Tensor::scalar(more)};
    for (size_t s = 0; s < states; ++s)
      arguments.push_back(as_formal(context.node(), kFirstState + s, state[s], i));
    arguments.insert(arguments.end(), captures.begin(), captures.end());
    OCTET_ASSIGN(auto results, bodies->run(0, std::move(arguments)));
    if (results[0].dtype() != DType::boolean || results[0].count() != 1)
      return invalid_model("the subgraph's condition isn't one bool");
    more = results[0].as<bool>()[0];
    for (size_t s = 0; s < states; ++s) state[s] = std::move(results[1 + s]);
    for (size_t k = 0; k < parts.size(); ++k)
      parts[k].push_back(std::move(results[1 + states + k]));
  }
  for (size_t s = 0; s < states; ++s) OCTET_RETURN_IF_ERROR(copy_to_output(context, s, state[s]));
  for (size_t k = 0; k < parts.size(); ++k)
    OCTET_RETURN_IF_ERROR(stack(context, states + k, parts[k]));
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "bodies", .match = match_logical, .prepare = prepare_function<run>},
};

}  // namespace

extern const OpDef Loop;
const OpDef Loop = {
    .domain = "",
    .name = "Loop",
    .inputs = {2, -1},
    .outputs = {1, -1},
    .bodies = kBodies,
    .infer = infer,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::loop
