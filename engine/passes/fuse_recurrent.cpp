// DynamicQuantizeLinear and DequantizeLinear before an integer LSTM or GRU: the node then rounds X
// itself and multiplies the codes.
#include "engine/ops/common/recurrent.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_recurrent {
namespace {

// The float that `id` is, rounded to codes of its own range; kNoValue when it isn't.
ValueId rounded_source(const Graph& graph, ValueId id) {
  const Node* dequantize = producer(graph, id, "DequantizeLinear");
  if (dequantize == nullptr || graph.value(id).quant || dequantize->inputs.size() != 3)
    return kNoValue;
  const Node* quantize = producer(graph, dequantize->inputs[0], "DynamicQuantizeLinear");
  if (quantize == nullptr || quantize->outputs != dequantize->inputs) return kNoValue;
  return quantize->inputs[0];
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    Node& node = graph.node(id);
    if (!ops::recurrent::is_recurrent(node)) continue;
    const ValueId source = rounded_source(graph, node.inputs[0]);
    if (source == kNoValue) continue;
    const LowerContext context(graph, node, CpuToken::scalar(), {});
    if (!ops::recurrent::match_s8(context)) continue;
    node.attrs = ops::recurrent::with_dynamic_x(node);
    graph.set_input(id, 0, source);
    changed = true;
  }
  return changed;
}

}  // namespace octet::passes::fuse_recurrent
