#pragma once

#include <span>
#include <string_view>

#include "engine/quant/quantize.h"
#include "engine/quant/rounding_means.h"

namespace octet::quant {

/// When an algorithm runs.
enum class Phase : uint8_t {
  real,     ///< Before ranges are chosen: rewrites the float graph, which keeps its values.
  weights,  ///< Weights are codes: chooses better ones by samples, whatever other nodes are.
  biases,   ///< Weights have their codes.
};

/// What an algorithm must know of the calibration samples.
enum class Needs : uint8_t {
  channels,  ///< Observations of channels do.
  samples,   ///< The samples themselves.
};

/// What an algorithm works on.
struct AlgorithmContext {
  Graph& graph;
  const Graph* real = nullptr;  ///< After phase `real`: the float graph, with the same ids.
  Observations& observations;   ///< Of the float graph's channels; scaled along with it.
  const Calibrate& calibrate;
  RoundingMeans& rounding;  ///< Of the float graph's values, by the codes that they got.
  Report& report;
  Parallel* parallel = nullptr;  ///< Null: everything on the caller's thread.
};

struct Algorithm {
  std::string_view name;
  Phase phase;
  Needs needs;
  bool by_default;
  Status (*run)(AlgorithmContext&);
};

/// All algorithms, in the order of algorithms.def.
std::span<const Algorithm> all_algorithms();
/// Those that the options ask for; fails on a name that isn't there.
Result<std::vector<const Algorithm*>> chosen_algorithms(const QuantizeOptions& options);
/// Runs the chosen ones of a phase.
Status run_algorithms(const std::vector<const Algorithm*>& chosen, Phase phase,
                      AlgorithmContext& context);
/// Asks for the channels that the algorithms need: of operands in regions, of inputs of constant
/// weights, and of all values in regions whose ranges are asked for.
void want_channels(const Graph& graph, Observations& observations);
/// Why an algorithm can't run on what the caller knows; empty where it can. Fails on observations
/// that contradict the graph, which is in fused forms.
Result<std::string> obstacle(const Algorithm& algorithm, const Graph& graph,
                             const QuantizeOptions& options, const Calibration& calibration);

/// The axis of an integer node's input 0 along which its constant weight sums; nothing for other
/// nodes.
std::optional<size_t> summed_axis(const Graph& graph, const Node& node);

}  // namespace octet::quant
