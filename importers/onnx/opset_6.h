#pragma once

#include "engine/ir/attrs.h"
#include "engine/ir/graph.h"

namespace octet::onnx {

/// Turns a node of opset 6 into one of opset 7: its attributes before they are read, and its
/// inputs, in front of which nodes may be added to `graph`. What can't be said in opset 7 is
/// refused.
Status upgrade_opset_6(Graph& graph, Node& node, AttrMap& attributes);

}  // namespace octet::onnx
