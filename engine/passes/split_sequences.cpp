// SequenceAt(SplitToSequence(x), constant) is a slice of x: no sequence is made then.
#include "engine/ops/op.h"
#include "engine/passes/pass.h"

namespace octet::passes::split_sequences {

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    if (!graph.alive(id)) continue;
    const Node& node = graph.node(id);
    if (node.op->name != "SequenceAt" || !node.op->domain.empty()) continue;
    // What can't be rewritten stays.
    changed = node.op->expand(graph, id).ok() || changed;
  }
  return changed;
}

}  // namespace octet::passes::split_sequences
