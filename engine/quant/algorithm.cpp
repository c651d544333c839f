#include "engine/quant/algorithm.h"

#include <algorithm>

#include "engine/ops/gemm.h"
#include "engine/quant/select.h"

namespace octet::quant {

#define OCTET_ALGORITHM(file, phase, by_default) \
  namespace file {                               \
  Status run(AlgorithmContext& context);         \
  }
#include "engine/quant/algorithms.def"
#undef OCTET_ALGORITHM

namespace {

constexpr Algorithm kAlgorithms[] = {
#define OCTET_ALGORITHM(file, phase, by_default) {#file, Phase::phase, by_default, &file::run},
#include "engine/quant/algorithms.def"
#undef OCTET_ALGORITHM
};

}  // namespace

std::span<const Algorithm> all_algorithms() { return kAlgorithms; }

Result<std::vector<const Algorithm*>> chosen_algorithms(const QuantizeOptions& options) {
  std::vector<const Algorithm*> chosen;
  if (!options.algorithms) {
    for (const Algorithm& algorithm : kAlgorithms)
      if (algorithm.by_default) chosen.push_back(&algorithm);
    return chosen;
  }
  for (const std::string& name : *options.algorithms) {
    const bool known = std::any_of(std::begin(kAlgorithms), std::end(kAlgorithms),
                                   [&](const Algorithm& a) { return a.name == name; });
    if (!known) return Error{ErrorCode::invalid_argument, "there is no algorithm '" + name + "'"};
  }
  for (const Algorithm& algorithm : kAlgorithms)
    if (std::find(options.algorithms->begin(), options.algorithms->end(), algorithm.name) !=
        options.algorithms->end())
      chosen.push_back(&algorithm);
  return chosen;
}

Status run_algorithms(const std::vector<const Algorithm*>& chosen, Phase phase,
                      AlgorithmContext& context) {
  for (const Algorithm* algorithm : chosen) {
    if (algorithm->phase != phase) continue;
    if (auto status = algorithm->run(context); !status)
      return std::move(status).error().in(std::string(algorithm->name));
  }
  return {};
}

std::optional<size_t> summed_axis(const Graph& graph, const Node& node) {
  if (!node.op->domain.empty() || node.inputs.size() < 2) return std::nullopt;
  const Tensor* weight = graph.constant(node.inputs[1]);
  if (weight == nullptr || !node.has_input(0)) return std::nullopt;
  const auto& shape = graph.value(node.inputs[0]).type.shape;
  if (!shape) return std::nullopt;
  const std::string_view name = node.op->name;
  if (name == "Conv") return size_t{1};
  if (name == "LSTM" || name == "GRU") return size_t{2};
  if (name == "Gemm")
    return node.attrs.as<ops::GemmAttrs>().trans_a == 0 ? std::optional(size_t{1}) : std::nullopt;
  if (name == "MatMul" && weight->rank() == 2 && !shape->empty()) return shape->size() - 1;
  return std::nullopt;
}

Result<Statistics> collect_statistics(const Graph& graph, const Calibrate& calibrate) {
  Statistics statistics;
  for (const ChannelRegion& region : find_regions(graph))
    for (const Operand& operand : region.operands)
      statistics.want(operand.value, operand.channels.axes);
  for (const NodeId id : graph.order()) {
    const auto axis = summed_axis(graph, graph.node(id));
    if (axis) statistics.want(graph.node(id).inputs[0], {*axis});
  }
  OCTET_RETURN_IF_ERROR(statistics.collect(graph, calibrate));
  return statistics;
}

}  // namespace octet::quant
