#include "engine/passes/pass.h"

#include <span>

#include "engine/ir/log.h"
#include "engine/ops/op.h"
#include "engine/passes/independent_extents.h"

namespace octet {

namespace {

constexpr Pass kPasses[] = {
#define OCTET_PASS(file, phase) {#file, PassPhase::phase, &passes::file::run},
#include "engine/passes/passes.def"
#undef OCTET_PASS
};

constexpr int kRounds = 3;

Status run_on_bodies(Graph& graph, PassPhase phase, const PassOptions& options) {
  for (const NodeId id : graph.order())
    for (const auto& body : graph.node(id).bodies)
      OCTET_RETURN_IF_ERROR(run_passes(
          *body, phase, PassOptions{.fold_limit = options.fold_limit, .keep = {}, .body = true}));
  return {};
}

Status run_rounds(Graph& graph, PassPhase phase, const PassOptions& options) {
  OCTET_RETURN_IF_ERROR(infer_graph(graph));
  OCTET_RETURN_IF_ERROR(run_on_bodies(graph, phase, options));
  for (int round = 0; round < kRounds; ++round) {
    bool changed = false;
    for (const Pass& pass : kPasses) {
      if (pass.phase != phase) continue;
      const size_t before = graph.node_count();
      OCTET_ASSIGN(const bool pass_changed, pass.run(graph, options));
      if (!pass_changed) continue;
      changed = true;
      remove_dead(graph);
      log::lazily(log::Level::debug, [&] {
        return "pass " + std::string(pass.name) + ": " + std::to_string(before) + " nodes became " +
               std::to_string(graph.node_count());
      });
      if (!graph.sort()) return invalid_model("the graph has a cycle after pass {}", pass.name);
      OCTET_RETURN_IF_ERROR(infer_graph(graph));
    }
    if (!changed) break;
  }
  remove_dead(graph);
  return {};
}

}  // namespace

std::span<const Pass> all_passes() { return kPasses; }

Status run_passes(Graph& graph, PassPhase phase, const PassOptions& options) {
  if (options.body) return run_rounds(graph, phase, options);
  {
    const IndependentExtents extents(graph);
    auto status = run_rounds(graph, phase, options);
    if (!status.ok() || !extents.renamed()) return status;
  }
  return infer_graph(graph);
}

bool remove_dead(Graph& graph) {
  bool changed = false;
  const auto order = graph.order();
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    const Node& node = graph.node(*at);
    bool used = false;
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      used = used || !graph.value(output).uses.empty() || graph.is_output(output);
    }
    if (used) continue;
    graph.remove_node(*at);
    changed = true;
  }
  for (ValueId id = 0; id < graph.value_capacity(); ++id) {
    if (!graph.alive_value(id)) continue;
    const Value& value = graph.value(id);
    if (value.producer == kNoNode && value.uses.empty() && !graph.is_output(id) &&
        !graph.is_input(id))
      graph.remove_value(id);
  }
  return changed;
}

}  // namespace octet
