#include "importers/onnx/graph_writer.h"

#include "importers/onnx/proto_writer.h"

namespace octet::onnx {

using octet_onnx::GraphProto;
using octet_onnx::NodeProto;

namespace {

constexpr size_t kSmallConstant = 256;

std::string fresh_name(std::unordered_set<std::string>& taken, const std::string& base) {
  std::string name = base;
  for (size_t i = 1; !taken.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  return name;
}

bool is_small(const Tensor& tensor) {
  return tensor.dtype() == DType::string || tensor.bytes().size() <= kSmallConstant;
}

}  // namespace

std::string GraphWriter::unique(const std::string& base) {
  return fresh_name(taken_, base.empty() ? "value" : base);
}

std::string GraphWriter::inner(const std::string& base) {
  if (!short_names_) return unique(base);
  std::string name;
  do name = std::to_string(numbered_++);
  while (!taken_.insert(name).second);
  return name;
}

std::string GraphWriter::parameter(Target& target, const std::string& base, const Tensor& tensor) {
  if (!target.main || tensor.rank() > 0) return initializer(target, inner(base), tensor);
  const auto bytes = tensor.bytes();
  auto& name = scalars_[{tensor.dtype(), {bytes.begin(), bytes.end()}}];
  if (name.empty()) name = initializer(target, inner(base), tensor);
  return name;
}

Status GraphWriter::main_graph(const Graph& graph, GraphProto& proto) {
  Target target{graph, proto, true};
  proto.set_name(graph.name.empty() ? "main" : graph.name);
  // Names that callers know come first, so that nothing else takes them.
  for (const ValueId id : graph.outputs()) {
    const std::string& name = graph.value(id).name;
    if (!target.names.contains(id) && !graph.is_input(id)) target.names.emplace(id, unique(name));
  }
  OCTET_RETURN_IF_ERROR(inputs(target, graph.inputs.size()));
  OCTET_RETURN_IF_ERROR(constants(target));
  for (const NodeId id : graph.order()) OCTET_RETURN_IF_ERROR(node(target, graph.node(id)));
  return outputs(target);
}

Status GraphWriter::inputs(Target& target, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const ValueId id = target.graph.inputs[i];
    const Value& value = target.graph.value(id);
    const std::string name = unique(value.name);
    auto& info = *target.proto.add_input();
    info.set_name(name);
    write_type(value.type, target.main, *info.mutable_type());
    target.names[id] = name;
    if (!value.quant) continue;
    target.names[id] = inner(name + "_dequantized");
    OCTET_RETURN_IF_ERROR(quantize(target, value, name, target.names[id]));
  }
  return {};
}

Status GraphWriter::constants(Target& target) {
  const Graph& graph = target.graph;
  for (ValueId id = 0; id < graph.value_capacity(); ++id) {
    if (!graph.alive_value(id) || !graph.value(id).constant) continue;
    if (graph.value(id).uses.empty() && !graph.is_output(id)) continue;
    const Value& value = graph.value(id);
    auto& name = target.names[id];
    if (name.empty()) name = value.quant ? inner(value.name) : unique(value.name);
    if (!value.quant) {
      const std::string actual = initializer(target, name, *value.constant);
      if (actual != name || (!target.main && !is_small(*value.constant))) target.foreign.insert(id);
      name = actual;
      continue;
    }
    const std::string base = short_names_ ? value.name : name + "_codes";
    const std::string codes = initializer(target, unique(base), *value.constant);
    OCTET_RETURN_IF_ERROR(dequantize(target, *value.quant, codes, name));
  }
  return {};
}

std::string GraphWriter::initializer(Target& target, const std::string& name,
                                     const Tensor& tensor) {
  if (!target.main && is_small(tensor)) {
    write_tensor(name, tensor, *target.proto.add_initializer());
    return name;
  }
  if (tensor.dtype() != DType::string) {
    const auto [first, last] = by_bytes_.equal_range(tensor.bytes().data());
    for (auto at = first; at != last && !target.main; ++at) {
      const Initializer& other = initializers_[at->second];
      if (other.tensor.dtype() == tensor.dtype() && other.tensor.dims() == tensor.dims())
        return other.name;
    }
    by_bytes_.emplace(tensor.bytes().data(), initializers_.size());
  }
  initializers_.push_back({name, tensor});
  return name;
}

Status GraphWriter::outputs(Target& target) {
  std::unordered_set<std::string> listed;
  for (const ValueId id : target.graph.outputs()) {
    const Value& value = target.graph.value(id);
    std::string name = target.names.at(id);
    // A subgraph's outputs must be its own, and no name may be listed twice.
    if (target.foreign.contains(id) || listed.contains(name)) {
      const std::string copy = unique(value.name + "_output");
      auto& identity = add_node(target, "Identity", copy);
      identity.add_input(name);
      identity.add_output(copy);
      name = copy;
    }
    listed.insert(name);
    auto& info = *target.proto.add_output();
    info.set_name(name);
    write_type(value.type, target.main, *info.mutable_type());
  }
  return {};
}

NodeProto& GraphWriter::add_node(Target& target, const std::string& op, const std::string& name) {
  NodeProto& node = *target.proto.add_node();
  node.set_op_type(op);
  if (!short_names_ || !name.empty())
    node.set_name(fresh_name(node_names_, name.empty() ? op : name));
  return node;
}

}  // namespace octet::onnx
