// An octet.Attention over two caches that were just lengthened (octet.GatherConcat) becomes one
// octet.CachedAttention, which reads each row of K and V right after it is written.
#include "engine/ops/common/fused_attention.h"
#include "engine/ops/gather_concat.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_cached_attention {
namespace {

constexpr const ops::FusedAttentionPorts& kAt = ops::kFusedAttentionPorts;

bool is_ours(const Node& node, std::string_view name) {
  return node.op->domain == kOctetDomain && node.op->name == name;
}

// Scores of floats to which nothing is added, over K and V as they lie.
bool plain(const Node& attention) {
  const auto& attrs = attention.attrs.as<ops::FusedAttentionAttrs>();
  return attrs.k_perm.empty() && attrs.v_perm.empty() && attrs.beta == 1.0F && !attrs.condition &&
         !attrs.probabilities && !attention.has_input(kAt.bias) && !attention.has_input(kAt.mask);
}

// The node that makes a result of the graph, a state that the attention alone reads, by lengthening
// rows along the axis that is `from_last` before the end.
const Node* cache(const Graph& graph, ValueId id, size_t from_last) {
  const Value& value = graph.value(id);
  if (value.producer == kNoNode || value.quant || value.type.dtype != DType::f32 ||
      value.uses.size() != 1 || !graph.is_output(id))
    return nullptr;
  const Node& node = graph.node(value.producer);
  if (!is_ours(node, "GatherConcat") || !value.type.shape) return nullptr;
  const size_t rank = value.type.shape->size();
  const auto axis = normalize_axis(node.attrs.as<ops::GatherConcatAttrs>().axis, rank);
  return axis && *axis + from_last == rank ? &node : nullptr;
}

bool fuse(Graph& graph, NodeId id) {
  const Node& attention = graph.node(id);
  if (!plain(attention)) return false;
  const ValueId k = attention.inputs[kAt.k], v = attention.inputs[kAt.v];
  const Node* keys = cache(graph, k, 1);
  const Node* values = cache(graph, v, 2);
  if (keys == nullptr || values == nullptr || keys->inputs[1] != values->inputs[1]) return false;
  Node node = make_node(kOctetDomain, "CachedAttention",
                        {attention.inputs[kAt.q], keys->inputs[0], values->inputs[0],
                         keys->inputs[1], keys->inputs[2], values->inputs[2]},
                        {}, attention.name);
  node.attrs = attention.attrs;
  node.outputs = {attention.outputs[0], k, v};
  const NodeId made_k = graph.value(k).producer, made_v = graph.value(v).producer;
  graph.add_node(std::move(node), id);
  for (const NodeId old : {id, made_k, made_v}) graph.remove_node(old);
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  bool changed = false;
  for (const NodeId id : graph.order())
    if (graph.alive(id) && is_ours(graph.node(id), "Attention"))
      changed = fuse(graph, id) || changed;
  return changed;
}

}  // namespace octet::passes::fuse_cached_attention
