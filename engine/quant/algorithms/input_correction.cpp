// What the rounding of a layer's inputs adds to its outputs on average, W' E[Q(x) - x], goes out of
// the bias (Finkelstein et al. 2019, https://arxiv.org/abs/1906.03193: the mean shift of
// activations). Rounding errors of values that lie dense around a point that is no code, such as
// the lowest one of SiLU and GELU, don't cancel. Measured over the calibration samples for the very
// codes that the input gets.
#include "engine/ops/common/dequantize.h"
#include "engine/quant/layer_bias.h"
#include "engine/quant/rounding_means.h"

namespace octet::quant::input_correction {
namespace {

struct Layer {
  NodeId node = kNoNode;
  RoundedValue input;
};

std::vector<Layer> layers_of(const AlgorithmContext& context) {
  std::vector<Layer> layers;
  for (const NodeId id : context.graph.order()) {
    const auto axis = correctable_axis(context, id);
    if (!axis) continue;
    const Node& node = context.graph.node(id);
    const QuantPtr& input = context.graph.value(node.inputs[0]).quant;
    const Value& weight = context.graph.value(node.inputs[1]);
    if (!input || !input->per_tensor() || !weight.constant || !weight.quant) continue;
    const std::string& name = context.real->value(context.real->node(id).inputs[0]).name;
    layers.push_back(
        {id, {name, *axis, input->storage, input->tensor_scale(), input->tensor_zero_point()}});
  }
  return layers;
}

}  // namespace

Status run(AlgorithmContext& context) {
  const auto layers = layers_of(context);
  for (const Layer& layer : layers) context.rounding.want(layer.input);
  OCTET_RETURN_IF_ERROR(context.rounding.measure(*context.real, context.calibrate));
  for (const Layer& layer : layers) {
    const auto* means = context.rounding.find(layer.input);
    if (means == nullptr) continue;
    const Value& weight = context.graph.value(context.graph.node(layer.node).inputs[1]);
    const auto weights = ops::real_elements(*weight.constant, weight.quant);
    const auto shift = mean_outputs(context, layer.node, weights, *means);
    if (!shift.empty() && take_from_bias(context.graph, layer.node, shift))
      ++context.report.algorithms["input_correction"];
  }
  return {};
}

}  // namespace octet::quant::input_correction
