// DynamicQuantizeLinear with the hint of a scale a row (DynamicQuantizeLinearAttrs): where all that
// reads its codes are products with constant weights, each row is quantized by its own range. A
// single product does so by itself, several share the codes of octet.QuantizeRows.
#include "engine/ops/common/integer_product.h"
#include "engine/ops/dynamic_quantize_linear.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::row_scales {
namespace {

constexpr const ops::IntegerProductPorts& kPorts = ops::kScaledMatMulPorts;

bool is_weight_matrix(const Graph& graph, ValueId id) {
  const Tensor* b = graph.constant(id);
  if (b == nullptr || b->rank() < 2) return false;
  const Dims& dims = b->dims();
  return std::all_of(dims.begin(), dims.end() - 2, [](int64_t extent) { return extent == 1; });
}

// Whether the product reads what `quantize` gives as its A, and nowhere else.
bool takes(const Graph& graph, const Node& product, const Node& quantize) {
  if (product.op->domain != kOctetDomain || product.op->name != "ScaledMatMul") return false;
  for (size_t i = 0; i < product.inputs.size(); ++i) {
    const size_t output = i == kPorts.a         ? 0
                          : i == kPorts.a_scale ? 1
                          : i == kPorts.a_zero  ? 2
                                                : quantize.outputs.size();
    for (size_t o = 0; o < quantize.outputs.size(); ++o)
      if ((product.inputs[i] == quantize.outputs[o]) != (o == output)) return false;
  }
  return is_weight_matrix(graph, product.inputs[kPorts.b]);
}

// The products that are all of the readers; none where something else reads an output.
std::vector<NodeId> products_of(const Graph& graph, const Node& quantize,
                                const PassOptions& options) {
  std::vector<NodeId> products;
  for (const ValueId output : quantize.outputs) {
    if (options.keeps(output) || graph.is_output(output)) return {};
    for (const Use& use : graph.value(output).uses) {
      if (!takes(graph, graph.node(use.node), quantize)) return {};
      if (output == quantize.outputs[0]) products.push_back(use.node);
    }
  }
  return products;
}

void quantize_within(Graph& graph, NodeId product, ValueId x) {
  graph.set_input(product, kPorts.a, x);
  graph.set_input(product, kPorts.a_zero, kNoValue);
  graph.set_input(product, kPorts.a_scale, kNoValue);
}

void share_rows(Graph& graph, NodeId quantize, const std::vector<NodeId>& products) {
  const Node old = graph.node(quantize);
  Node rows = make_node(kOctetDomain, "QuantizeRows", {old.inputs[0]}, {}, old.name);
  for (const ValueId output : old.outputs)
    rows.outputs.push_back(
        graph.add_value(graph.unique_name(graph.value(output).name + "_by_row")));
  const std::vector<ValueId> made = rows.outputs;
  graph.add_node(std::move(rows), quantize);
  for (const NodeId product : products) {
    graph.set_input(product, kPorts.a, made[0]);
    graph.set_input(product, kPorts.a_scale, made[1]);
    graph.set_input(product, kPorts.a_zero, made[2]);
  }
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (!ops::has_row_scales(node)) continue;
    const auto& shape = graph.value(node.inputs[0]).type.shape;
    if (!shape || shape->size() < 2) continue;
    const auto products = products_of(graph, node, options);
    if (products.empty()) continue;
    if (products.size() == 1)
      quantize_within(graph, products[0], node.inputs[0]);
    else
      share_rows(graph, id, products);
    changed = true;
  }
  return changed;
}

}  // namespace octet::passes::row_scales
