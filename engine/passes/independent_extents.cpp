#include "engine/passes/independent_extents.h"

#include <algorithm>
#include <set>

namespace octet {
namespace {

// Not a sum or product of others, nor what could be mistaken for one.
bool is_name(const std::string& text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '?';
  };
  return !text.empty() && (text[0] < '0' || text[0] > '9') &&
         std::all_of(text.begin(), text.end(), fits);
}

// The named shape's symbols in the place of the unknown extents of `shape`.
void give_names(const std::optional<Shape>& named, std::optional<Shape>& shape) {
  if (!named || !shape || named->size() != shape->size()) return;
  for (size_t axis = 0; axis < shape->size(); ++axis)
    if (!(*shape)[axis].known()) (*shape)[axis] = (*named)[axis];
}

}  // namespace

IndependentExtents::IndependentExtents(Graph& graph) : graph_(graph) {
  std::set<std::string> seen;
  for (const ValueId id : graph.inputs) {
    auto& shape = graph.value(id).type.shape;
    if (!shape) continue;
    const std::optional<Shape> named = shape;
    for (Dim& dim : *shape)
      if (!dim.known() && (!is_name(dim.to_string()) || !seen.insert(dim.to_string()).second))
        dim = Dim::fresh();
    if (*shape != *named) inputs_.push_back({id, named});
  }
  if (!renamed()) return;
  for (const ValueId id : graph.outputs()) outputs_.push_back(graph.value(id).type.shape);
}

IndependentExtents::~IndependentExtents() {
  for (const Named& named : inputs_) graph_.value(named.input).type.shape = named.shape;
  const auto outputs = graph_.outputs();
  for (size_t i = 0; i < std::min(outputs.size(), outputs_.size()); ++i)
    give_names(outputs_[i], graph_.value(outputs[i]).type.shape);
}

}  // namespace octet
