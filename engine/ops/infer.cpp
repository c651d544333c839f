#include "engine/ops/infer.h"

#include <algorithm>

#include "engine/ir/stop.h"
#include "engine/ops/common/signature.h"
#include "engine/ops/op.h"

namespace octet {
namespace {

constexpr size_t kMaxElements = 1024;

// Inference over the values of a graph; bodies are inferred on their own graphs.
class GraphInferContext final : public InferContext {
 public:
  GraphInferContext(Graph& graph, const Node& node) : InferContext(node), graph_(graph) {}

  const Type& input(size_t i) const override { return graph_.value(node_.inputs[i]).type; }
  const Tensor* constant(size_t i) const override {
    if (!has_input(i)) return nullptr;
    const Value& value = graph_.value(node_.inputs[i]);
    return value.constant && !value.quant ? &*value.constant : nullptr;
  }
  const std::vector<Dim>* elements(size_t i) const override {
    if (!has_input(i)) return nullptr;
    const Value& value = graph_.value(node_.inputs[i]);
    return value.elements ? &*value.elements : nullptr;
  }
  void set_output(size_t i, Type type) override {
    if (has_output(i)) graph_.value(node_.outputs[i]).type = std::move(type);
  }
  void set_elements(size_t i, std::vector<Dim> elements) override {
    if (has_output(i) && elements.size() <= kMaxElements)
      graph_.value(node_.outputs[i]).elements = std::move(elements);
  }
  Result<std::vector<Type>> infer_body(size_t index, std::vector<Type> inputs) override {
    Graph& body = *node_.bodies[index];
    const size_t first_capture = node_.inputs.size() - node_.captures;
    for (size_t i = 0; i < node_.captures; ++i) inputs.push_back(input(first_capture + i));
    if (inputs.size() != body.inputs.size())
      return invalid_model("subgraph '{}' has {} inputs, not {}", body.name, body.inputs.size(),
                           inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) body.value(body.inputs[i]).type = inputs[i];
    OCTET_RETURN_IF_ERROR(infer_graph(body));
    std::vector<Type> types;
    for (const ValueId id : body.outputs()) types.push_back(body.value(id).type);
    return types;
  }

 private:
  Graph& graph_;
};

void note_constant_elements(Value& value) {
  if (!value.constant || value.elements || value.quant) return;
  const Tensor& tensor = *value.constant;
  const bool integer = dtype_is_integer(tensor.dtype()) || tensor.dtype() == DType::boolean;
  if (!integer || tensor.count() > kMaxElements) return;
  const auto integers = tensor.to_int64();
  value.elements = std::vector<Dim>(integers.begin(), integers.end());
}

}  // namespace

void InferContext::set_tensor(size_t i, DType type) {
  if (has_output(i)) set_output(i, Type::tensor(type));
}

void InferContext::set_tensor(size_t i, DType type, Shape&& s) {
  if (has_output(i)) set_output(i, Type::tensor(type, std::move(s)));
}

void InferContext::set_tensor(size_t i, DType type, std::optional<Shape> s) {
  if (has_output(i)) set_output(i, Type::tensor(type, std::move(s)));
}

std::optional<std::vector<int64_t>> InferContext::known_elements(size_t i) const {
  const auto* dims = elements(i);
  if (dims == nullptr || !all_known(*dims)) return std::nullopt;
  return known_dims(*dims);
}

Result<size_t> InferContext::axis(int64_t axis, size_t rank) const {
  if (const auto index = normalize_axis(axis, rank)) return *index;
  return invalid_model("axis {} is outside rank {}", axis, rank);
}

Status InferContext::require(size_t i, std::initializer_list<DType> allowed) const {
  if (std::find(allowed.begin(), allowed.end(), dtype(i)) != allowed.end()) return {};
  return unsupported("input {} is {}, which isn't supported here", i, dtype_name(dtype(i)));
}

Status InferContext::require_same_dtype(size_t i, size_t j) const {
  if (dtype(i) == dtype(j)) return {};
  return invalid_model("inputs {} and {} differ in type: {} and {}", i, j, dtype_name(dtype(i)),
                       dtype_name(dtype(j)));
}

Status infer_same(InferContext& context) {
  context.set_like(0, 0);
  return {};
}

static Status infer_broadcast_as(InferContext& context, DType dtype) {
  std::optional<Shape> shape = context.input(0).shape;
  for (size_t i = 1; i < context.input_count() && shape; ++i) {
    if (!context.has_rank(i)) {
      shape.reset();
      break;
    }
    auto next = broadcast(*shape, context.shape(i));
    if (!next)
      return invalid_model("shapes {} and {} don't broadcast", to_string(*shape),
                           to_string(context.shape(i)));
    shape = std::move(next);
  }
  context.set_tensor(0, dtype, std::move(shape));
  return {};
}

Status infer_broadcast(InferContext& context) {
  return infer_broadcast_as(context, context.dtype(0));
}

Status infer_broadcast_bool(InferContext& context) {
  return infer_broadcast_as(context, DType::boolean);
}

Status infer_outputs(InferContext& context) {
  OCTET_RETURN_IF_ERROR(check_signature(context));
  return context.node().op->infer(context);
}

Status infer_node(Graph& graph, NodeId id) {
  OCTET_RETURN_IF_ERROR(check_stop());
  const Node& node = graph.node(id);
  for (const ValueId input : node.inputs)
    if (input != kNoValue) note_constant_elements(graph.value(input));
  for (const ValueId output : node.outputs)
    if (output != kNoValue) graph.value(output).elements.reset();
  GraphInferContext context(graph, node);
  if (node.op->infer == nullptr) return {};
  if (auto status = infer_outputs(context); !status)
    return std::move(status).error().in(node.label());
  return {};
}

Status infer_graph(Graph& graph) {
  for (const NodeId id : graph.order()) OCTET_RETURN_IF_ERROR(infer_node(graph, id));
  return {};
}

}  // namespace octet
