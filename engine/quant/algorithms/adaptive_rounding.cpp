// Rounding that minimizes a layer's output error instead of each weight's (AdaRound, Nagel et al.
// 2020, https://arxiv.org/abs/2004.10568): for each output, e^T E[x x^T] e over codes that are the
// neighbours of the real weight, e their rounding errors. The paper's equation 20 is this same
// binary quadratic problem; it is solved here by coordinate descent from nearest rounding, so the
// error only falls. The rounding noise of the inputs adds its variance to the diagonal. Layers with
// too many inputs or too few sampled rows keep nearest rounding. Deterministic: rows are drawn with
// a fixed seed, sweeps are counted and not timed.
#include "engine/ops/common/dequantize.h"
#include "engine/quant/algorithm.h"
#include "engine/quant/layer_inputs.h"
#include "engine/quant/rounding_descent.h"

namespace octet::quant::adaptive_rounding {
namespace {

constexpr double kMostWork = 4e12;  // Multiplications over all layers: minutes.

// Whether the weight of `layer` is stored as symmetric s8, one scale an output or one for all.
bool fits(const Graph& graph, const LinearLayer& layer) {
  const Value& weight = graph.value(graph.node(layer.node).inputs[1]);
  if (!weight.quant || !weight.constant || weight.quant->storage != DType::s8 ||
      weight.quant->block != 0 || weight.uses.size() != 1)
    return false;
  for (const int64_t zero : weight.quant->zero_point.to_int64())
    if (zero != 0) return false;
  return true;
}

Status round_layer(AlgorithmContext& context, const LinearLayer& layer, SecondMoments moments) {
  const ValueId stored = context.graph.node(layer.node).inputs[1];
  const Tensor codes = *context.graph.constant(stored);
  const QuantType& quant = *context.graph.value(stored).quant;
  const auto real = context.real->constant(context.real->node(layer.node).inputs[1])->as<float>();
  const auto scales = quant.scale.as<float>();
  const ops::ScaleIndex scale_of(codes.dims(), scales.size(), quant.axis, 0);
  OCTET_ASSIGN(Tensor out, Tensor::zeros(DType::s8, codes.dims()));
  RoundingProblem problem{layer.outputs, layer.inputs, std::move(moments.matrix), {}, {}};
  problem.codes.resize(layer.outputs * layer.inputs);
  problem.errors.resize(problem.codes.size());
  const auto place = [&](size_t i) {
    return i / layer.inputs * layer.output_stride + i % layer.inputs * layer.input_stride;
  };
  for (size_t i = 0; i < problem.codes.size(); ++i) {
    const size_t at = place(i);
    problem.codes[i] = codes.as<int8_t>()[at];
    problem.errors[i] = static_cast<float>(problem.codes[i]) - real[at] / scales[scale_of(at)];
  }
  const QuantPtr& input = context.graph.value(context.graph.node(layer.node).inputs[0]).quant;
  const float step = input && input->per_tensor() ? input->tensor_scale().v : 0.0F;
  double trace = 0.0;
  for (size_t i = 0; i < layer.inputs; ++i)
    trace += static_cast<double>(problem.moments[i * layer.inputs + i]);
  const float damping =
      step * step / 12.0F + static_cast<float>(0.001 * trace / static_cast<double>(layer.inputs));
  for (size_t i = 0; i < layer.inputs; ++i) problem.moments[i * layer.inputs + i] += damping;
  if (descend(problem, context.parallel) == 0) return {};
  for (size_t i = 0; i < problem.codes.size(); ++i)
    out.writable_as<int8_t>()[place(i)] = problem.codes[i];
  context.graph.value(stored).constant = out;
  ++context.report.algorithms["adaptive_rounding"];
  return {};
}

}  // namespace

Status run(AlgorithmContext& context) {
  std::vector<LinearLayer> layers;
  LayerInputs inputs;
  double work = 0.0;
  for (const NodeId id : context.graph.order()) {
    if (!context.real->alive(id)) continue;
    const auto layer = linear_layer(context.graph, id);
    if (!layer || layer->inputs > LayerInputs::kMostInputs || !fits(context.graph, *layer))
      continue;
    const auto size = static_cast<double>(layer->inputs);
    work += size * size * static_cast<double>(layer->outputs + 2048);
    if (work > kMostWork) break;
    inputs.want(*context.real, *layer);
    layers.push_back(*layer);
  }
  if (layers.empty()) return {};
  if (auto samples = inputs.collect(*context.real, context.calibrate); !samples)
    return std::move(samples).error();
  for (const LinearLayer& layer : layers) {
    SecondMoments moments = inputs.moments(*context.real, layer, context.parallel);
    if (moments.rows == 0) continue;
    OCTET_RETURN_IF_ERROR(round_layer(context, layer, std::move(moments)));
  }
  return {};
}

}  // namespace octet::quant::adaptive_rounding
