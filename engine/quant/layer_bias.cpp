#include "engine/quant/layer_bias.h"

#include <algorithm>

#include "engine/ops/gemm.h"
#include "engine/quant/select.h"

namespace octet::quant {
namespace {

bool takes_bias(const Node& node) { return node.op->name == "Conv" || node.op->name == "Gemm"; }

// The constant that is added to each output of the node, and where it is read.
std::optional<Use> bias_of(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (takes_bias(node)) return node.has_input(2) ? std::optional(Use{id, 2}) : std::nullopt;
  const ValueId output = node.outputs[0];
  if (!graph.single_use(output)) return std::nullopt;
  const Use use = graph.value(output).uses[0];
  const Node& next = graph.node(use.node);
  if (next.op->name != "Add" || !next.op->domain.empty()) return std::nullopt;
  return Use{use.node, 1 - use.input};
}

}  // namespace

std::optional<size_t> correctable_axis(const AlgorithmContext& context, NodeId id) {
  if (!context.real->alive(id)) return std::nullopt;
  const Node& node = context.graph.node(id);
  if (node.op->name == "LSTM" || node.op->name == "GRU") return std::nullopt;
  if (node.op->name == "Gemm") {
    const auto& attrs = node.attrs.as<ops::GemmAttrs>();
    if (attrs.alpha != 1.0F || attrs.beta != 1.0F) return std::nullopt;
  }
  return summed_axis(*context.real, context.real->node(id));
}

std::vector<double> mean_outputs(const AlgorithmContext& context, NodeId id,
                                 std::span<const float> weights, std::span<const double> means) {
  const Node& node = context.real->node(id);
  const Dims& dims = context.real->constant(node.inputs[1])->dims();
  const int output_axis = port_of(spec_of(*context.real, node).inputs, 1).axis;
  const bool conv = node.op->name == "Conv";
  const Absorber whole{{id, 1},
                       {.axes = {conv ? size_t{1} : static_cast<size_t>(1 - output_axis)}},
                       conv ? means.size() / static_cast<size_t>(dims[1]) : 1};
  const auto input_of = channel_of_elements(dims, whole, means.size());
  if (std::find(input_of.begin(), input_of.end(), -1) != input_of.end()) return {};
  size_t inner = 1;
  for (size_t a = static_cast<size_t>(output_axis) + 1; a < dims.size(); ++a)
    inner *= static_cast<size_t>(dims[a]);
  const auto outputs = static_cast<size_t>(dims[static_cast<size_t>(output_axis)]);
  std::vector<double> result(outputs, 0.0);
  for (size_t e = 0; e < weights.size(); ++e)
    result[e / inner % outputs] +=
        static_cast<double>(weights[e]) * means[static_cast<size_t>(input_of[e])];
  return result;
}

bool take_from_bias(Graph& graph, NodeId id, std::span<const double> shift) {
  const auto bias = bias_of(graph, id);
  if (!bias && takes_bias(graph.node(id))) {
    std::vector<float> values;
    for (const double s : shift) values.push_back(static_cast<float>(-s));
    const Dims dims{static_cast<int64_t>(values.size())};
    const std::string name = graph.unique_name(graph.node(id).name + "_bias");
    while (graph.node(id).inputs.size() < 3) graph.append_input(id, kNoValue);
    graph.set_input(id, 2, graph.add_constant(name, Tensor::of(dims, values)));
    return true;
  }
  if (!bias) return false;
  const ValueId old = graph.node(bias->node).inputs[bias->input];
  const Tensor* tensor = graph.constant(old);
  if (tensor == nullptr || tensor->dtype() != DType::f32 || tensor->count() != shift.size() ||
      tensor->rank() == 0 || tensor->dims().back() != static_cast<int64_t>(shift.size()))
    return false;
  std::vector<float> values(tensor->as<float>().begin(), tensor->as<float>().end());
  for (size_t c = 0; c < values.size(); ++c) values[c] -= static_cast<float>(shift[c]);
  const Tensor corrected = Tensor::of(tensor->dims(), values);
  graph.set_input(bias->node, bias->input, graph.add_constant(graph.take_name(old), corrected));
  return true;
}

}  // namespace octet::quant
