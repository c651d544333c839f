#include "engine/quant/prequantized.h"

#include <algorithm>

#include "engine/passes/fake_quant_grid.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"
#include "engine/quant/select.h"
#include "engine/quant/static.h"

namespace octet::quant {
namespace {

const Node* dequantized(const Graph& graph, const Node& node, size_t input) {
  return node.has_input(input) ? passes::producer(graph, node.inputs[input], "DequantizeLinear")
                               : nullptr;
}

bool on_codes(const Graph& graph, const Node& node) {
  return node.inputs.size() > 1 && spec_of(graph, node).anchor && dequantized(graph, node, 0) &&
         dequantized(graph, node, 1);
}

bool fits_4bit(const Tensor& tensor) {
  const int64_t low = tensor.dtype() == DType::s8 ? -8 : 0;
  const auto values = tensor.to_int64();
  return std::all_of(values.begin(), values.end(),
                     [&](int64_t v) { return v >= low && v <= low + 15; });
}

Status narrow(Graph& graph, NodeId id, size_t input) {
  const ValueId old = graph.node(id).inputs[input];
  const Tensor wide = *graph.constant(old);
  const DType type = wide.dtype() == DType::s8 ? DType::s4 : DType::u4;
  OCTET_ASSIGN(Tensor packed, Tensor::zeros(type, wide.dims()));
  const auto values = wide.to_int64();
  for (size_t i = 0; i < values.size(); ++i) passes::put_code(packed, i, values[i]);
  const std::string name = graph.unique_name(graph.value(old).name + "_4bit");
  graph.set_input(id, input, graph.add_constant(name, std::move(packed)));
  return {};
}

// Constant codes of bytes that fit 4 bits, and their zero points, become 4-bit types.
Status narrow(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const Tensor* codes = graph.constant(node.inputs[0]);
  const Tensor* zeros = node.has_input(2) ? graph.constant(node.inputs[2]) : nullptr;
  if (codes == nullptr || (codes->dtype() != DType::s8 && codes->dtype() != DType::u8) ||
      (node.has_input(2) && zeros == nullptr) || passes::int_attr(node, "block_size", 0) != 0)
    return {};
  if (!fits_4bit(*codes) || (zeros != nullptr && !fits_4bit(*zeros))) return {};
  if (zeros != nullptr) OCTET_RETURN_IF_ERROR(narrow(graph, id, 2));
  return narrow(graph, id, 0);
}

}  // namespace

bool comes_quantized(const Graph& graph) {
  const auto order = graph.order();
  return std::any_of(order.begin(), order.end(),
                     [&](NodeId id) { return on_codes(graph, graph.node(id)); });
}

Result<Report> keep_quantized(Graph& graph, const QuantizeOptions& options) {
  Report report;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->name == "DequantizeLinear" && node.op->domain.empty())
      OCTET_RETURN_IF_ERROR(narrow(graph, id));
    if (!spec_of(graph, node).anchor) continue;
    const bool codes = on_codes(graph, node);
    report.nodes.push_back({id, node.name, std::string(node.op->name), codes ? "int8" : "float",
                            codes ? "the graph has its scales and zero points"
                                  : "the graph doesn't quantize both sides"});
  }
  OCTET_RETURN_IF_ERROR(infer_graph(graph));
  if (options.format == Format::integer) {
    OCTET_RETURN_IF_ERROR(passes::quantized_types::run(graph, {}));
    OCTET_RETURN_IF_ERROR(passes::propagate_quant::run(graph, {}));
    remove_dead(graph);
    OCTET_RETURN_IF_ERROR(infer_graph(graph));
    OCTET_RETURN_IF_ERROR(to_integer_nodes(graph));
  }
  remove_dead(graph);
  return report;
}

}  // namespace octet::quant
