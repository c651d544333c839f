#pragma once

#include <map>
#include <string>

#include "engine/ir/graph.h"

namespace octet::cli {

/// Bytes of a graph's weights by part. A part is the outermost scope in which the names of the
/// nodes that read weights differ, as exporters write scopes ("/net/encoder/layer.0/MatMul":
/// "encoder"), with numbered repetitions as one ("layer.0" and "layer.1": "layer"); without scopes,
/// the operator. Nodes that only dequantize or reshape weights don't count as readers. Weights that
/// several nodes read count once, for the first.
std::map<std::string, size_t> bytes_by_part(const Graph& graph);

}  // namespace octet::cli
