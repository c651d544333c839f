#include "importers/onnx/normalize.h"

#include "engine/ir/log.h"
#include "engine/ops/op.h"
#include "importers/onnx/type_reader.h"

namespace octet::onnx {
namespace {

class Normalizer {
 public:
  Normalizer(Graph& graph, const DeclaredTypes& declared) : graph_(graph), declared_(declared) {
    if (const auto at = declared.find(&graph); at != declared.end()) types_ = &at->second;
  }
  Status run(bool is_body);

 private:
  Status node(NodeId id, bool is_body);
  Status canonical(NodeId id);
  Status bodies(NodeId id);
  Status check_outputs(NodeId id);

  Graph& graph_;
  const DeclaredTypes& declared_;
  const std::unordered_map<ValueId, Type>* types_ = nullptr;
};

Status Normalizer::run(bool is_body) {
  for (const NodeId id : graph_.order())
    if (graph_.alive(id)) OCTET_RETURN_IF_ERROR(node(id, is_body));
  return {};
}

Status Normalizer::node(NodeId id, bool is_body) {
  OCTET_RETURN_IF_ERROR(bodies(id));
  const auto first_new = static_cast<NodeId>(graph_.node_capacity());
  OCTET_RETURN_IF_ERROR(canonical(id));
  std::vector<NodeId> touched;
  if (graph_.node_capacity() > first_new)
    for (const NodeId other : graph_.order())
      if (other >= first_new || other == id) touched.push_back(other);
  if (touched.empty() && graph_.alive(id)) touched.push_back(id);
  for (const NodeId other : touched) {
    // A body's inputs get their final types when the node around it is inferred, which infers the
    // body again; until then a failure here may be for lack of a type.
    Status status = infer_node(graph_, other);
    if (!status && !is_body) return status;
    if (!is_body) OCTET_RETURN_IF_ERROR(check_outputs(other));
  }
  return {};
}

Status Normalizer::canonical(NodeId id) {
  const Node& node = graph_.node(id);
  if (node.op->canonical == nullptr) return {};
  const std::string label = node.label();
  const int opset = node.opset;
  if (auto status = node.op->canonical({graph_, id, opset}); !status)
    return std::move(status).error().in(label);
  if (graph_.alive(id) && graph_.node(id).label() == label) return {};
  log::lazily(log::Level::debug, [&] {
    return label + " of opset " + std::to_string(opset) + ": rewritten" +
           (graph_.alive(id) ? " as " + graph_.node(id).label() : "");
  });
  return {};
}

Status Normalizer::bodies(NodeId id) {
  const Node& node = graph_.node(id);
  const size_t first = node.inputs.size() - node.captures;
  for (const auto& body : node.bodies) {
    const size_t formals = body->inputs.size() - node.captures;
    for (size_t i = 0; i < node.captures; ++i)
      body->value(body->inputs[formals + i]).type = graph_.value(node.inputs[first + i]).type;
    if (auto status = Normalizer(*body, declared_).run(true); !status)
      return std::move(status).error().in(node.label());
  }
  return {};
}

Status Normalizer::check_outputs(NodeId id) {
  if (types_ == nullptr) return {};
  for (const ValueId output : graph_.node(id).outputs) {
    if (output == kNoValue) continue;
    const auto at = types_->find(output);
    if (at == types_->end()) continue;
    Value& value = graph_.value(output);
    if (!compatible(at->second, value.type, true))
      return invalid_model("value '{}' is declared as {}, but {} gives {}", value.name,
                           at->second.to_string(), graph_.node(id).label(), value.type.to_string());
    const bool untyped = value.type.kind == Type::Kind::tensor &&
                         value.type.dtype == DType::undefined && !value.type.element;
    if (untyped || (value.type.kind == Type::Kind::tensor && !value.type.shape))
      value.type = at->second;
  }
  return {};
}

}  // namespace

Status normalize(Graph& graph, const DeclaredTypes& declared) {
  return Normalizer(graph, declared).run(false);
}

}  // namespace octet::onnx
