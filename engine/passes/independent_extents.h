#pragma once

#include <vector>

#include "engine/ir/graph.h"

namespace octet {

/// While it lives, each free extent of a graph's inputs is a symbol of its own: a caller may give
/// extents that differ for those that a model calls by one name, so nothing must follow from names.
/// Afterwards inputs have their names back, and outputs those that they had; types in between keep
/// the symbols until they are inferred again.
class IndependentExtents {
 public:
  explicit IndependentExtents(Graph& graph);
  ~IndependentExtents();
  IndependentExtents(const IndependentExtents&) = delete;
  IndependentExtents& operator=(const IndependentExtents&) = delete;
  /// Whether any had to be renamed.
  bool renamed() const { return !inputs_.empty(); }

 private:
  struct Named {
    ValueId input;
    std::optional<Shape> shape;
  };
  Graph& graph_;
  std::vector<Named> inputs_;
  std::vector<std::optional<Shape>> outputs_;
};

}  // namespace octet
