// A decoder's cache: rows of a state are picked by their parents (Gather along axis 0) and each is
// lengthened (Concat along another axis). Both become one octet.GatherConcat, a copy instead of
// two.
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_cache {
namespace {

bool is_float(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  return value.type.dtype == DType::f32 && !value.quant && value.type.shape;
}

std::optional<Node> joined(const Graph& graph, const Node& concat) {
  if (concat.inputs.size() != 2 || concat.inputs[0] == concat.inputs[1]) return std::nullopt;
  const ValueId kept = concat.inputs[0], added = concat.inputs[1];
  const Node* gather = producer(graph, kept, "Gather");
  if (gather == nullptr || !is_float(graph, kept) || !is_float(graph, added) ||
      !is_float(graph, concat.outputs[0]) || !one_reads_elements(graph, kept))
    return std::nullopt;
  const ValueId table = gather->inputs[0], rows = gather->inputs[1];
  const auto& picked = graph.value(rows).type.shape;
  if (!is_float(graph, table) || graph.value(table).constant || !picked || picked->size() != 1)
    return std::nullopt;
  const size_t rank = graph.value(kept).type.shape->size();
  const auto gathered = normalize_axis(int_attr(*gather, "axis", 0), rank);
  const auto axis = normalize_axis(int_attr(concat, "axis", 0), rank);
  if (gathered != 0 || !axis || *axis == 0) return std::nullopt;
  return make_node(kOctetDomain, "GatherConcat", {table, rows, added},
                   {{"axis", static_cast<int64_t>(*axis)}}, concat.name);
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  return rewrite_each(graph, "Concat", joined);
}

}  // namespace octet::passes::fuse_cache
