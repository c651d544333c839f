// Bias correction (Nagel et al. 2019, https://arxiv.org/abs/1906.04721, section 4.2): rounding the
// weights shifts each output by (W' - W) E[x] on average; the bias takes that back. E[x] is the
// mean of each input channel over the calibration data (empirical, in place of the paper's analytic
// one from batch normalization). A layer without a bias gets one. Padding counts as if it were like
// the rest of the image.
#include "engine/ops/common/dequantize.h"
#include "engine/quant/layer_bias.h"

namespace octet::quant::bias_correction {
namespace {

// What the rounded weights add to each output on average; empty where that isn't known.
std::vector<double> shifts(const AlgorithmContext& context, NodeId id, size_t axis) {
  const Node& node = context.real->node(id);
  const auto* seen =
      context.observations.channels(context.real->value(node.inputs[0]).name, {axis});
  const Value& stored = context.graph.value(context.graph.node(id).inputs[1]);
  const Tensor* real = context.real->constant(node.inputs[1]);
  if (seen == nullptr || real == nullptr || !stored.constant || !stored.quant) return {};
  std::vector<float> errors = ops::real_elements(*stored.constant, stored.quant);
  const auto exact = real->as<float>();
  for (size_t e = 0; e < errors.size(); ++e) errors[e] -= exact[e];
  std::vector<double> means(seen->channels());
  for (size_t c = 0; c < means.size(); ++c) means[c] = seen->mean(c);
  return mean_outputs(context, id, errors, means);
}

}  // namespace

Status run(AlgorithmContext& context) {
  for (const NodeId id : context.graph.order()) {
    const auto axis = correctable_axis(context, id);
    if (!axis) continue;
    const auto shift = shifts(context, id, *axis);
    if (!shift.empty() && take_from_bias(context.graph, id, shift))
      ++context.report.algorithms["bias_correction"];
  }
  return {};
}

}  // namespace octet::quant::bias_correction
