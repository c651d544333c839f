#pragma once

#include <unordered_map>

#include "engine/ir/graph.h"

namespace octet::onnx {

/// What a file says of the types of values, a map for each graph.
using DeclaredTypes = std::unordered_map<const Graph*, std::unordered_map<ValueId, Type>>;

/// Rewrites each node to its newest form and infers all types, in order. A declared type that
/// contradicts the inferred one is an error that names the value; where inference doesn't know the
/// rank, what is declared stands.
Status normalize(Graph& graph, const DeclaredTypes& declared);

}  // namespace octet::onnx
