#include "importers/onnx/graph_builder.h"

#include <algorithm>

#include "engine/ir/log.h"
#include "engine/ops/op.h"
#include "importers/onnx/hints.h"
#include "importers/onnx/type_reader.h"

namespace octet::onnx {

using octet_onnx::GraphProto;

std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

// A node of a cycle of a graph that can't be sorted. Walking against the arrows from a node that
// waits for itself never ends, so as many steps as there are nodes end within a cycle.
static std::string node_in_cycle(const Graph& graph) {
  std::vector<size_t> waits(graph.node_capacity(), 0);
  std::vector<NodeId> ready;
  const auto order = graph.order();
  const auto made_by = [&](ValueId id) {
    return id == kNoValue ? kNoNode : graph.value(id).producer;
  };
  for (const NodeId id : order) {
    for (const ValueId input : graph.node(id).inputs) waits[id] += made_by(input) != kNoNode;
    if (waits[id] == 0) ready.push_back(id);
  }
  while (!ready.empty()) {
    const NodeId id = ready.back();
    ready.pop_back();
    for (const ValueId output : graph.node(id).outputs) {
      if (output == kNoValue) continue;
      for (const Use& use : graph.value(output).uses)
        if (--waits[use.node] == 0) ready.push_back(use.node);
    }
  }
  auto at = std::find_if(order.begin(), order.end(), [&](NodeId id) { return waits[id] > 0; });
  if (at == order.end()) return "";
  NodeId id = *at;
  for (size_t step = 0; step < order.size(); ++step) {
    const auto& inputs = graph.node(id).inputs;
    const auto stuck = std::find_if(inputs.begin(), inputs.end(), [&](ValueId input) {
      return made_by(input) != kNoNode && waits[made_by(input)] > 0;
    });
    if (stuck == inputs.end()) break;
    id = made_by(*stuck);
  }
  return ", " + graph.node(id).label() + " in it";
}

Result<OpsetMap> read_opsets(
    const google::protobuf::RepeatedPtrField<octet_onnx::OperatorSetIdProto>& imports) {
  OpsetMap opsets;
  for (const auto& import : imports) {
    const std::string domain = domain_of(import.domain());
    const int64_t version = import.version();
    if (domain.empty() && (version < kMinOpset || version > kMaxOpset))
      return unsupported("opset {} is not supported ({} to {} are)", version, kMinOpset, kMaxOpset);
    if (version < 1 || version > 9999)
      return invalid_model("opset {} of domain '{}' is no version", version, domain);
    const auto [at, fresh] = opsets.emplace(domain, static_cast<int>(version));
    if (!fresh && at->second != version)
      return invalid_model("domain '{}' is imported in two versions", domain);
  }
  return opsets;
}

Result<Model> GraphBuilder::build() {
  constexpr int64_t kMaxIr = 14;
  if (model_.ir_version() < 3 || model_.ir_version() > kMaxIr)
    return unsupported("IR version {} is not supported (3 to 14 are)", model_.ir_version());
  if (!model_.has_graph()) return invalid_model("the model has no graph");
  Model model;
  OCTET_ASSIGN(model.opsets, read_opsets(model_.opset_import()));
  OCTET_RETURN_IF_ERROR(index_functions());
  OCTET_RETURN_IF_ERROR(main_graph(model.opsets));
  OCTET_RETURN_IF_ERROR(normalize(*graph_, declared_));
  model.graph = graph_;
  model.ir_version = model_.ir_version();
  for (const auto& entry : model_.metadata_props()) model.metadata[entry.key()] = entry.value();
  read_hints(model.metadata, *graph_);
  model.producer = model_.producer_name();
  model.doc = model_.doc_string();
  return model;
}

Status GraphBuilder::main_graph(const OpsetMap& opsets) {
  const GraphProto& proto = model_.graph();
  Scope scope{*graph_};
  const Frame frame{opsets};
  graph_->name = proto.name();
  OCTET_RETURN_IF_ERROR(initializers(proto, scope, frame));
  for (const auto& input : proto.input()) {
    auto type = read_type(input.type());
    if (!type) return std::move(type).error().in("input '" + input.name() + "'");
    // Old exports list every initializer as an input: those are constants, not inputs.
    if (const auto at = scope.names.find(input.name()); at != scope.names.end()) {
      if (graph_->is_input(at->second))
        return invalid_model("input '{}' is listed twice", input.name());
      if (!compatible(*type, graph_->value(at->second).type, true))
        return invalid_model("input '{}' is declared as {}, but its initializer is {}",
                             input.name(), type->to_string(),
                             graph_->value(at->second).type.to_string());
      log::lazily(log::Level::debug, [&] {
        return "input '" + input.name() + "' has an initializer: it is a constant";
      });
      continue;
    }
    if (type->kind == Type::Kind::tensor && type->dtype == DType::undefined)
      return invalid_model("input '{}' has no type", input.name());
    const ValueId id = graph_->add_input(input.name(), std::move(*type));
    OCTET_RETURN_IF_ERROR(define(scope, input.name(), id));
  }
  OCTET_RETURN_IF_ERROR(nodes(proto.node(), scope, frame));
  OCTET_RETURN_IF_ERROR(declared_types(proto, scope));
  OCTET_ASSIGN(auto ids, outputs(proto, scope));
  graph_->set_outputs(std::move(ids));
  if (!graph_->sort()) return invalid_model("the nodes form a cycle{}", node_in_cycle(*graph_));
  return {};
}

Status GraphBuilder::initializers(const GraphProto& proto, Scope& scope, const Frame& frame) {
  const auto add = [&](const std::string& name, Tensor tensor) -> Status {
    const ValueId id = new_value(scope, frame.prefix, name);
    Value& value = scope.graph.value(id);
    value.type = Type::tensor(tensor.dtype(), to_shape(tensor.dims()));
    value.constant = std::move(tensor);
    return define(scope, name, id);
  };
  for (const auto& tensor : proto.initializer()) {
    OCTET_ASSIGN(Tensor dense, tensors_.read(tensor));
    OCTET_RETURN_IF_ERROR(add(tensor.name(), std::move(dense)));
  }
  for (const auto& tensor : proto.sparse_initializer()) {
    OCTET_ASSIGN(Tensor dense, tensors_.read(tensor));
    OCTET_RETURN_IF_ERROR(add(tensor.values().name(), std::move(dense)));
  }
  return {};
}

Status GraphBuilder::declared_types(const GraphProto& proto, Scope& scope) {
  auto& types = declared_[&scope.graph];
  const auto note = [&](const octet_onnx::ValueInfoProto& info) -> Status {
    const auto at = scope.names.find(info.name());
    if (at == scope.names.end() || at->second == kNoValue) return {};
    auto type = read_type(info.type());
    if (!type) return std::move(type).error().in("value '" + info.name() + "'");
    const Value& value = scope.graph.value(at->second);
    if ((value.constant || scope.graph.is_input(at->second)) &&
        !compatible(*type, value.type, scope.outer == nullptr))
      return invalid_model("value '{}' is declared as {}, but is {}", info.name(),
                           type->to_string(), value.type.to_string());
    const auto [known, fresh] = types.emplace(at->second, *type);
    if (!fresh && !compatible(known->second, *type, true))
      return invalid_model("value '{}' is declared as {} and as {}", info.name(),
                           known->second.to_string(), type->to_string());
    return {};
  };
  for (const auto& info : proto.value_info()) OCTET_RETURN_IF_ERROR(note(info));
  for (const auto& info : proto.output()) OCTET_RETURN_IF_ERROR(note(info));
  return {};
}

Result<std::vector<ValueId>> GraphBuilder::outputs(const GraphProto& proto, Scope& scope) {
  std::vector<ValueId> ids;
  for (const auto& output : proto.output()) {
    auto id = resolve(scope, output.name());
    if (!id) return std::move(id).error().in("graph '" + proto.name() + "'");
    if (*id == kNoValue)
      return invalid_model("output '{}' is an absent function input", output.name());
    ids.push_back(*id);
  }
  return ids;
}

Status GraphBuilder::body(const GraphProto& proto, Scope& scope, const Frame& frame) {
  if (++body_depth_ > limits_.max_subgraph_depth)
    return Error{ErrorCode::limit, "subgraphs are nested deeper than " +
                                       std::to_string(limits_.max_subgraph_depth) + " levels"};
  Graph& graph = scope.graph;
  graph.name = proto.name();
  for (const auto& input : proto.input()) {
    auto type = read_type(input.type());
    if (!type) return std::move(type).error().in("input '" + input.name() + "'");
    const ValueId id = new_value(scope, frame.prefix, input.name());
    graph.value(id).type = std::move(*type);
    graph.inputs.push_back(id);
    OCTET_RETURN_IF_ERROR(define(scope, input.name(), id));
  }
  OCTET_RETURN_IF_ERROR(initializers(proto, scope, frame));
  OCTET_RETURN_IF_ERROR(nodes(proto.node(), scope, frame));
  OCTET_RETURN_IF_ERROR(declared_types(proto, scope));
  OCTET_ASSIGN(auto ids, outputs(proto, scope));
  graph.set_outputs(std::move(ids));
  if (!graph.sort())
    return invalid_model("the nodes of subgraph '{}' form a cycle{}", proto.name(),
                         node_in_cycle(graph));
  --body_depth_;
  return {};
}

Status GraphBuilder::define(Scope& scope, const std::string& name, ValueId id) {
  if (name.empty()) return invalid_model("a value of graph '{}' has no name", scope.graph.name);
  if (scope.names.emplace(name, id).second) return {};
  return invalid_model("value '{}' is defined twice", name);
}

ValueId GraphBuilder::new_value(Scope& scope, const std::string& prefix, const std::string& name) {
  auto& taken = taken_[&scope.graph];
  const std::string base = prefix + name;
  std::string unique = base;
  for (size_t i = scope.graph.value_capacity(); !taken.insert(unique).second; ++i)
    unique = base + "_" + std::to_string(i);
  return scope.graph.add_value(unique);
}

Result<ValueId> GraphBuilder::resolve(Scope& scope, const std::string& name) {
  if (const auto at = scope.names.find(name); at != scope.names.end()) return at->second;
  if (scope.outer == nullptr) return invalid_model("value '{}' is not defined", name);
  OCTET_ASSIGN(const ValueId outer, resolve(*scope.outer, name));
  ValueId id = kNoValue;
  if (outer != kNoValue) {
    const Value& value = scope.outer->graph.value(outer);
    id = new_value(scope, "", value.name);
    scope.graph.value(id).type = value.type;
    // Constants are shared, not captured: the body can fold and pack them.
    if (value.constant)
      scope.graph.value(id).constant = value.constant;
    else
      scope.captured.emplace_back(outer, id);
  }
  scope.names.emplace(name, id);
  return id;
}

}  // namespace octet::onnx
