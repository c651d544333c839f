#include "engine/quant/algorithm.h"

#include <algorithm>

#include "engine/ops/gemm.h"
#include "engine/quant/select.h"
#include "engine/quant/static.h"

namespace octet::quant {

#define OCTET_ALGORITHM(file, phase, needs, by_default) \
  namespace file {                                      \
  Status run(AlgorithmContext& context);                \
  }
#include "engine/quant/algorithms.def"
#undef OCTET_ALGORITHM

namespace {

constexpr Algorithm kAlgorithms[] = {
#define OCTET_ALGORITHM(file, phase, needs, by_default) \
  {#file, Phase::phase, Needs::needs, by_default, &file::run},
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

namespace {

struct WantedChannels {
  ValueId value;
  std::vector<size_t> axes;
};

std::vector<WantedChannels> wanted_channels(const Graph& graph, const Observations& ranges) {
  std::vector<WantedChannels> wanted;
  for (const ChannelRegion& region : find_regions(graph)) {
    for (const Operand& operand : region.operands)
      wanted.push_back({operand.value, operand.channels.axes});
    for (const auto& [id, channels] : region.values)
      if (ranges.values().contains(graph.value(id).name)) wanted.push_back({id, channels.axes});
  }
  for (const NodeId id : graph.order())
    if (const auto axis = summed_axis(graph, graph.node(id)))
      wanted.push_back({graph.node(id).inputs[0], {*axis}});
  return wanted;
}

// The channels that the graph says this value has; nothing where that depends on a run.
std::optional<size_t> channels_of(const Graph& graph, const WantedChannels& wanted) {
  const auto& shape = graph.value(wanted.value).type.shape;
  size_t count = 1;
  for (const size_t axis : wanted.axes) {
    if (!shape || axis >= shape->size() || !(*shape)[axis].known()) return std::nullopt;
    count *= static_cast<size_t>((*shape)[axis].value());
  }
  return count;
}

// Whether the channels of every value that was seen are among the observations.
Result<bool> holds_channels(const Graph& graph, const QuantizeOptions& options,
                            const Observations& observations) {
  Observations ranges;
  want_ranges(graph, options, ranges);
  for (const WantedChannels& wanted : wanted_channels(graph, ranges)) {
    const std::string& name = graph.value(wanted.value).name;
    const auto* channels = observations.channels(name, wanted.axes);
    if (channels == nullptr && observations.range(name) != nullptr) return false;
    const auto count = channels_of(graph, wanted);
    if (channels != nullptr && count && *count != channels->channels())
      return invalid_data("observations: value '" + name + "' has " + std::to_string(*count) +
                          " channels, not " + std::to_string(channels->channels()));
  }
  return true;
}

}  // namespace

void want_channels(const Graph& graph, Observations& observations) {
  for (const WantedChannels& wanted : wanted_channels(graph, observations))
    observations.want_channels(graph.value(wanted.value).name, wanted.axes);
}

Result<std::string> obstacle(const Algorithm& algorithm, const Graph& graph,
                             const QuantizeOptions& options, const Calibration& calibration) {
  if (!calibration.layers.empty())
    return std::string("the ranges of layers are of the model as it was");
  if (calibration.observations == nullptr) return std::string();
  if (algorithm.needs == Needs::samples)
    return std::string(calibration.run ? "" : "it needs samples, not only observations");
  if (algorithm.phase == Phase::real && options.calibrator.calibrator != Calibrator::minmax)
    return std::string("of scaled values, observations give the extremes alone (minmax)");
  OCTET_ASSIGN(const bool held, holds_channels(graph, options, *calibration.observations));
  return std::string(held ? "" : "the observations don't hold the channels that it needs");
}

}  // namespace octet::quant
