#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "engine/ops/epilogue.h"
#include "engine/ops/op.h"

namespace octet::passes {

/// The node that makes `id`, when its operator is ai.onnx's `name`; null otherwise.
const Node* producer(const Graph& graph, ValueId id, std::string_view name);
NodeId producer_id(const Graph& graph, ValueId id, std::string_view name);

/// The only consumer of `id`, when that is its only use, it is no graph output and carries no
/// quantization of its own; kNoNode otherwise.
NodeId only_consumer(const Graph& graph, ValueId id);

/// The number of an unquantized float or integer constant of one element.
std::optional<float> scalar(const Graph& graph, ValueId id);
bool is_scalar(const Graph& graph, ValueId id, float value);  ///< Within 1e-6 relative.

/// For a node of two inputs of which one is a scalar constant: the other input and the number.
std::optional<std::pair<ValueId, float>> with_scalar(const Graph& graph, const Node& node);

/// The clamp that a Relu, or a Clip whose bounds are constants, is.
std::optional<Epilogue> clamp_of(const Graph& graph, const Node& node);

/// Whether a value may vanish into a fused node: read once, no result, not quantized, not kept.
bool inner(const Graph& graph, ValueId id);

/// Whether one use alone reads a value's elements and it is no graph output: the others ask for its
/// dims (Shape, Size, or a Transpose that nobody asks for more).
bool one_reads_elements(const Graph& graph, ValueId id);

/// Puts `node` in place of the node that makes `output`: same output value, types follow.
NodeId replace_producer(Graph& graph, ValueId output, Node node);

/// Calls f(id) for each node of ai.onnx's `name`, in order, that no f before it took away. Whether
/// one of them was true: that it changed the graph.
template <typename F>
bool change_each(Graph& graph, std::string_view name, const F& f) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    if (!graph.alive(id)) continue;
    const OpDef& op = *graph.node(id).op;
    if (op.domain.empty() && op.name == name) changed = f(id) || changed;
  }
  return changed;
}

/// Asks `match` about each node of ai.onnx's `name`, in order, and puts the node that it gives in
/// place of that one. Whether there was one.
bool rewrite_each(Graph& graph, std::string_view name,
                  std::optional<Node> (*match)(const Graph& graph, const Node& node));

/// A node of our table for replace_producer; `attrs` as a file would spell them.
Node make_node(std::string_view domain, std::string_view name, std::vector<ValueId> inputs,
               const AttrMap& attrs, std::string node_name);

/// An attribute as the newest opset spells it, or its default. The writer's view of the node, so
/// that passes need no operator's struct.
float float_attr(const Node& node, std::string_view name, float otherwise);
int64_t int_attr(const Node& node, std::string_view name, int64_t otherwise);
std::string string_attr(const Node& node, std::string_view name, std::string otherwise);
std::vector<int64_t> ints_attr(const Node& node, std::string_view name);

}  // namespace octet::passes
