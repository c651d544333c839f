#include "engine/quant/quantize.h"

#include "engine/ops/op.h"
#include "engine/passes/pass.h"
#include "engine/quant/static.h"

namespace octet::passes::fuse_activation {
Result<bool> run(Graph& graph, const PassOptions& options);
}

namespace octet::quant {
namespace {

// Fused forms that help selection are spelled in standard operators again.
Status expand_private(Graph& graph) {
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->domain == kOctetDomain && node.op->expand != nullptr)
      OCTET_RETURN_IF_ERROR(node.op->expand(graph, id));
  }
  return infer_graph(graph);
}

}  // namespace

Result<Report> quantize(Graph& graph, const QuantizeOptions& options, const Calibrate& calibrate) {
  Report report;
  OCTET_RETURN_IF_ERROR(passes::fuse_activation::run(graph, {}));
  remove_dead(graph);
  OCTET_RETURN_IF_ERROR(infer_graph(graph));
  if (options.mode == Mode::dynamic) {
    OCTET_ASSIGN(report, quantize_dynamic(graph, options));
  } else {
    OCTET_ASSIGN(report, quantize_static(graph, options, calibrate));
    if (options.format == Format::integer) OCTET_RETURN_IF_ERROR(to_integer_nodes(graph));
  }
  OCTET_RETURN_IF_ERROR(quantize_embeddings(graph, options, report));
  OCTET_RETURN_IF_ERROR(expand_private(graph));
  remove_dead(graph);
  return report;
}

}  // namespace octet::quant
