#include "runtime/session/type_groups.h"

#include <map>
#include <numeric>
#include <tuple>

#include "engine/ops/op.h"

namespace octet::runtime {
namespace {

constexpr size_t kMaxElements = 1024;

class Grouping {
 public:
  explicit Grouping(const Graph& graph) : graph_(graph), first_(graph.value_capacity()) {
    std::iota(first_.begin(), first_.end(), ValueId{0});
  }

  std::vector<ValueId> run() {
    for (ValueId id = 0; id < graph_.value_capacity(); ++id)
      if (graph_.alive_value(id) && graph_.value(id).constant) group_constant(id);
    for (const NodeId id : graph_.order())
      if (graph_.node(id).bodies.empty()) group_outputs(id);
    return std::move(first_);
  }

 private:
  // Element type, dims, whether they are codes, and small constants' bytes.
  using Content = std::tuple<DType, Dims, bool, std::vector<std::byte>>;
  using Inputs = std::pair<const OpDef*, std::vector<ValueId>>;

  void group_constant(ValueId id) {
    const Value& value = graph_.value(id);
    const Tensor& constant = *value.constant;
    if (constant.boxed()) return;
    Content content{value.type.dtype, constant.dims(), value.quant != nullptr, {}};
    if (constant.count() <= kMaxElements)
      std::get<3>(content).assign(constant.bytes().begin(), constant.bytes().end());
    first_[id] = constants_.try_emplace(std::move(content), id).first->second;
  }

  void group_outputs(NodeId id) {
    const Node& node = graph_.node(id);
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs)
      inputs.push_back(input == kNoValue ? kNoValue : first_[input]);
    auto& twins = seen_[{node.op, std::move(inputs)}];
    AttrMap attrs = node.op->attrs.write(node.attrs, kMaxOpset);
    for (const auto& [other, other_attrs] : twins) {
      const Node& twin = graph_.node(other);
      if (twin.opset != node.opset || other_attrs != attrs || !same_outputs(twin, node)) continue;
      for (size_t i = 0; i < node.outputs.size(); ++i)
        if (node.has_output(i)) first_[node.outputs[i]] = first_[twin.outputs[i]];
      return;
    }
    twins.emplace_back(id, std::move(attrs));
  }

  // Attributes that only passes set aren't written: where they decide dims, the symbolic ones
  // differ.
  bool same_outputs(const Node& twin, const Node& node) const {
    if (twin.outputs.size() != node.outputs.size()) return false;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (twin.has_output(i) != node.has_output(i)) return false;
      if (!node.has_output(i)) continue;
      const Value& a = graph_.value(twin.outputs[i]);
      const Value& b = graph_.value(node.outputs[i]);
      if (!(a.type == b.type) || a.elements != b.elements) return false;
    }
    return true;
  }

  const Graph& graph_;
  std::vector<ValueId> first_;
  std::map<Content, ValueId> constants_;
  std::map<Inputs, std::vector<std::pair<NodeId, AttrMap>>> seen_;
};

}  // namespace

std::vector<ValueId> group_types(const Graph& graph) { return Grouping(graph).run(); }

}  // namespace octet::runtime
