// BatchNormalization behind Conv folds into its weights and bias (inference form of
// https://arxiv.org/abs/1502.03167, section 3.1).
#include <cmath>

#include "engine/ops/conv.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fold_batch_norm {
namespace {

const Tensor* float_constant(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.constant(id);
  const bool plain = tensor != nullptr && tensor->dtype() == DType::f32 && !graph.value(id).quant;
  return plain ? tensor : nullptr;
}

struct Affine {
  std::vector<float> scale;
  std::vector<float> shift;
};

std::optional<Affine> affine_of(const Graph& graph, const Node& norm) {
  const Tensor* parameters[4];
  for (size_t i = 0; i < 4; ++i) {
    parameters[i] = float_constant(graph, norm.inputs[i + 1]);
    if (parameters[i] == nullptr) return std::nullopt;
  }
  const float epsilon = float_attr(norm, "epsilon", 1e-5F);
  Affine affine;
  for (size_t c = 0; c < parameters[0]->count(); ++c) {
    const double factor = parameters[0]->as<float>()[c] /
                          std::sqrt(static_cast<double>(parameters[3]->as<float>()[c]) + epsilon);
    affine.scale.push_back(static_cast<float>(factor));
    affine.shift.push_back(
        static_cast<float>(parameters[1]->as<float>()[c] - parameters[2]->as<float>()[c] * factor));
  }
  return affine;
}

Result<bool> fold(Graph& graph, NodeId id) {
  const Node& norm = graph.node(id);
  const NodeId conv_id = producer_id(graph, norm.inputs[0], "Conv");
  if (conv_id == kNoNode || !inner(graph, norm.inputs[0])) return false;
  if (int_attr(norm, "training_mode", 0) != 0) return false;
  for (size_t i = 1; i < norm.outputs.size(); ++i)
    if (norm.has_output(i)) return false;
  const Node& conv = graph.node(conv_id);
  const Tensor* weight = float_constant(graph, conv.inputs[1]);
  const Tensor* bias = conv.has_input(2) ? float_constant(graph, conv.inputs[2]) : nullptr;
  if (weight == nullptr || (conv.has_input(2) && bias == nullptr) ||
      !(conv.attrs.as<ops::ConvAttrs>().epilogue == Epilogue{}))
    return false;
  const auto affine = affine_of(graph, norm);
  const auto channels = static_cast<size_t>(weight->dims()[0]);
  if (!affine || affine->scale.size() != channels) return false;

  OCTET_ASSIGN(Tensor scaled, Tensor::zeros(DType::f32, weight->dims()));
  const size_t inner_count = weight->count() / std::max<size_t>(channels, 1);
  for (size_t i = 0; i < weight->count(); ++i)
    scaled.writable_as<float>()[i] = weight->as<float>()[i] * affine->scale[i / inner_count];
  std::vector<float> shifted = affine->shift;
  for (size_t c = 0; c < channels && bias != nullptr; ++c)
    shifted[c] += bias->as<float>()[c] * affine->scale[c];

  const std::string base = graph.value(conv.inputs[1]).name;
  const ValueId new_weight = graph.add_constant(graph.unique_name(base + "_folded"), scaled);
  const ValueId new_bias = graph.add_constant(
      graph.unique_name(base + "_bias"), Tensor::of(Dims{static_cast<int64_t>(channels)}, shifted));
  const ValueId output = norm.outputs[0];
  graph.remove_node(id);
  graph.set_input(conv_id, 1, new_weight);
  while (graph.node(conv_id).inputs.size() < 3) graph.append_input(conv_id, kNoValue);
  graph.set_input(conv_id, 2, new_bias);
  graph.set_output(conv_id, 0, output);
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->name != "BatchNormalization" || !node.op->domain.empty()) continue;
    OCTET_ASSIGN(const bool folded, fold(graph, id));
    changed = changed || folded;
  }
  return changed;
}

}  // namespace octet::passes::fold_batch_norm
