#include "runtime/session/type_groups.h"

#include <map>
#include <numeric>
#include <string>
#include <tuple>

#include "engine/ops/op.h"

namespace octet::runtime {
namespace {

// Elements of integers (shape arithmetic) and of others (scales of axes) that can decide a type.
constexpr size_t kMaxIntegers = 1024, kMaxOthers = 16;

TypeGroups no_groups(const Graph& graph) {
  TypeGroups groups;
  groups.of.assign(graph.value_capacity(), 0);
  groups.first.resize(graph.node_capacity());
  std::iota(groups.first.begin(), groups.first.end(), NodeId{0});
  return groups;
}

void add_group(TypeGroups& groups, const Value& value, ValueId id) {
  groups.of[id] = static_cast<uint32_t>(groups.count++);
  groups.constant.push_back(value.constant.has_value() && !value.type.boxed() ? 1 : 0);
}

class Grouping {
 public:
  explicit Grouping(const Graph& graph) : graph_(graph), groups_(no_groups(graph)) {}

  TypeGroups run() {
    for (ValueId id = 0; id < graph_.value_capacity(); ++id)
      if (graph_.alive_value(id)) group_value(id);
    for (const NodeId id : graph_.order()) groups_.first[id] = first_like(id);
    return std::move(groups_);
  }

 private:
  // A type, known elements, and of a constant whether it is codes and the bytes that decide types.
  using Content = std::tuple<std::string, std::string, bool, bool, std::vector<std::byte>>;
  using Ports = std::tuple<const OpDef*, int, std::vector<uint32_t>, std::vector<uint32_t>>;

  void group_value(ValueId id) {
    const Value& value = graph_.value(id);
    if (value.type.boxed() || !value.type.shape) return add_group(groups_, value, id);
    Content content{value.type.to_string(),
                    value.elements ? to_string(*value.elements) : "",
                    value.constant.has_value(),
                    value.quant != nullptr,
                    {}};
    if (value.constant) {
      const Tensor& constant = *value.constant;
      const bool integer = dtype_is_integer(constant.dtype());
      if (constant.count() <= (integer ? kMaxIntegers : kMaxOthers))
        std::get<4>(content).assign(constant.bytes().begin(), constant.bytes().end());
    }
    const auto group = static_cast<uint32_t>(groups_.count);
    const auto [at, added] = seen_types_.try_emplace(std::move(content), group);
    if (added) return add_group(groups_, value, id);
    groups_.of[id] = at->second;
  }

  NodeId first_like(NodeId id) {
    const Node& node = graph_.node(id);
    if (!node.bodies.empty()) return id;
    auto& earlier =
        seen_nodes_[{node.op, node.opset, groups_of(node.inputs), groups_of(node.outputs)}];
    AttrMap attrs = node.op->attrs.write(node.attrs, kMaxOpset);
    for (const auto& [other, first] : earlier)
      if (other == attrs) return first;
    earlier.emplace_back(std::move(attrs), id);
    return id;
  }

  std::vector<uint32_t> groups_of(const std::vector<ValueId>& values) const {
    std::vector<uint32_t> groups;
    for (const ValueId id : values) groups.push_back(id == kNoValue ? kNoValue : groups_.of[id]);
    return groups;
  }

  const Graph& graph_;
  TypeGroups groups_;
  std::map<Content, uint32_t> seen_types_;
  std::map<Ports, std::vector<std::pair<AttrMap, NodeId>>> seen_nodes_;
};

}  // namespace

TypeGroups group_types(const Graph& graph) { return Grouping(graph).run(); }

TypeGroups ungrouped_types(const Graph& graph) {
  TypeGroups groups = no_groups(graph);
  for (ValueId id = 0; id < graph.value_capacity(); ++id)
    if (graph.alive_value(id)) add_group(groups, graph.value(id), id);
  return groups;
}

}  // namespace octet::runtime
