// Bias correction (Nagel et al. 2019, https://arxiv.org/abs/1906.04721, section 4.2): rounding the
// weights shifts each output by (W' - W) E[x] on average; the bias takes that back. E[x] is the
// mean of each input channel over the calibration data (empirical, in place of the paper's analytic
// one from batch normalization). A layer without a bias gets one. Padding counts as if it were like
// the rest of the image.
#include <algorithm>

#include "engine/ops/common/dequantize.h"
#include "engine/ops/gemm.h"
#include "engine/quant/algorithm.h"
#include "engine/quant/select.h"

namespace octet::quant::bias_correction {
namespace {

// The constant that is added to each output of the node, and where it is read.
std::optional<Use> bias_of(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.op->name == "Conv" || node.op->name == "Gemm")
    return node.has_input(2) ? std::optional(Use{id, 2}) : std::nullopt;
  const ValueId output = node.outputs[0];
  if (!graph.single_use(output)) return std::nullopt;
  const Use use = graph.value(output).uses[0];
  const Node& next = graph.node(use.node);
  if (next.op->name != "Add" || !next.op->domain.empty()) return std::nullopt;
  return Use{use.node, 1 - use.input};
}

// What the rounded weights add to each output on average.
std::vector<double> shifts(const AlgorithmContext& context, NodeId id, size_t axis) {
  const Node& node = context.graph.node(id);
  const ValueId input = context.real->node(id).inputs[0];
  const auto* seen = context.observations.channels(context.real->value(input).name, {axis});
  const Value& stored = context.graph.value(node.inputs[1]);
  const Tensor* real = context.real->constant(context.real->node(id).inputs[1]);
  if (seen == nullptr || real == nullptr || !stored.constant || !stored.quant) return {};
  const auto rounded = ops::real_elements(*stored.constant, stored.quant);
  const auto exact = real->as<float>();
  const Dims& dims = real->dims();
  const int output_axis = port_of(spec_of(*context.real, context.real->node(id)).inputs, 1).axis;
  const Absorber whole{
      {id, 1},
      {.axes = {node.op->name == "Conv" ? size_t{1} : static_cast<size_t>(1 - output_axis)}},
      node.op->name == "Conv" ? seen->channels() / static_cast<size_t>(dims[1]) : 1};
  const auto input_of = channel_of_elements(dims, whole, seen->channels());
  if (std::find(input_of.begin(), input_of.end(), -1) != input_of.end()) return {};
  size_t inner = 1;
  for (size_t a = static_cast<size_t>(output_axis) + 1; a < dims.size(); ++a)
    inner *= static_cast<size_t>(dims[a]);
  const auto outputs = static_cast<size_t>(dims[static_cast<size_t>(output_axis)]);
  std::vector<double> result(outputs, 0.0);
  for (size_t e = 0; e < exact.size(); ++e)
    result[e / inner % outputs] +=
        (static_cast<double>(rounded[e]) - static_cast<double>(exact[e])) *
        seen->mean(static_cast<size_t>(input_of[e]));
  return result;
}

// The bias less the shifts.
void subtract(Graph& graph, Use use, const std::vector<double>& shift) {
  const Value bias = graph.value(graph.node(use.node).inputs[use.input]);
  std::vector<float> values(bias.constant->as<float>().begin(), bias.constant->as<float>().end());
  for (size_t c = 0; c < values.size(); ++c) values[c] -= static_cast<float>(shift[c]);
  const Tensor corrected = Tensor::of(bias.constant->dims(), values);
  const ValueId old = graph.node(use.node).inputs[use.input];
  graph.set_input(use.node, use.input, graph.add_constant(graph.take_name(old), corrected));
}

bool correct(AlgorithmContext& context, NodeId id) {
  Graph& graph = context.graph;
  const Node& node = graph.node(id);
  if (node.op->name == "LSTM" || node.op->name == "GRU") return false;
  if (node.op->name == "Gemm") {
    const auto& attrs = node.attrs.as<ops::GemmAttrs>();
    if (attrs.alpha != 1.0F || attrs.beta != 1.0F) return false;
  }
  const auto axis = summed_axis(*context.real, context.real->node(id));
  if (!axis) return false;
  auto shift = shifts(context, id, *axis);
  if (shift.empty()) return false;
  const auto bias = bias_of(graph, id);
  if (!bias && (node.op->name == "Conv" || node.op->name == "Gemm")) {
    std::vector<float> values;
    for (const double s : shift) values.push_back(static_cast<float>(-s));
    const Dims dims{static_cast<int64_t>(values.size())};
    const std::string name = graph.unique_name(node.name + "_bias");
    while (graph.node(id).inputs.size() < 3) graph.append_input(id, kNoValue);
    graph.set_input(id, 2, graph.add_constant(name, Tensor::of(dims, values)));
    return true;
  }
  if (!bias) return false;
  const Tensor* tensor = graph.constant(graph.node(bias->node).inputs[bias->input]);
  if (tensor == nullptr || tensor->dtype() != DType::f32 || tensor->count() != shift.size() ||
      tensor->rank() == 0 || tensor->dims().back() != static_cast<int64_t>(shift.size()))
    return false;
  subtract(graph, *bias, shift);
  return true;
}

}  // namespace

Status run(AlgorithmContext& context) {
  for (const NodeId id : context.graph.order()) {
    if (!context.real->alive(id)) continue;
    if (correct(context, id)) ++context.report.algorithms["bias_correction"];
  }
  return {};
}

}  // namespace octet::quant::bias_correction
