#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/ops/infer.h"
#include "runtime/session/type_groups.h"

namespace octet::runtime {

/// Inference with known dims beside a shared, immutable graph, once for each group of values.
class BoundTypes {
 public:
  BoundTypes(const Graph& graph, const TypeGroups& groups)
      : graph_(graph), groups_(groups), known_(groups.count), has_dims_(groups.constant) {}

  void set_input(ValueId id, const Dims& dims);
  /// The types of a node's outputs; without shapes when it is `late`. Fails with its label.
  Status infer(NodeId id, bool late);
  /// Whether the dims of a value are known: it is neither boxed nor decided by data.
  bool has_dims(ValueId id) const { return has_dims_[groups_.of[id]] != 0; }
  /// Whether there are nodes so far whose outputs have no dims here.
  bool any_late() const { return any_late_; }
  /// Requires has_dims, and that the value is no constant.
  const Shape& shape(ValueId id) const { return *known_[groups_.of[id]].type.shape; }
  /// Null when they aren't known.
  const std::vector<Dim>* elements(ValueId id) const {
    const auto& elements = known_[groups_.of[id]].elements;
    return elements ? &*elements : nullptr;
  }
  /// False once two values of a group turned out to differ: nothing here holds then.
  bool groups_agree() const { return agree_; }

 private:
  class Context;
  struct Known {
    Type type;
    std::optional<std::vector<Dim>> elements;
    bool settled = false;
  };
  void settle(ValueId id, Known known);

  const Graph& graph_;
  const TypeGroups& groups_;
  // By group; the graph has the types of constants.
  std::vector<Known> known_;
  std::vector<uint8_t> has_dims_;
  bool agree_ = true;
  bool any_late_ = false;
};

/// Inference for one node over views, for late steps: `types` and `elements` are by input port.
/// Gives the output types.
Result<std::vector<Type>> infer_late(const Node& node, std::vector<Type> types,
                                     std::vector<std::optional<std::vector<Dim>>> elements,
                                     std::span<const Tensor* const> constants);

}  // namespace octet::runtime
