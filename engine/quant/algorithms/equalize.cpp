// Cross-layer equalization (Nagel et al. 2019, https://arxiv.org/abs/1906.04721, section 4.1): the
// output channels of weights and the input channels of the weights that read them, with nothing but
// positively homogeneous functions between, get the same ranges: s_c = sqrt(r1_c / r2_c), W1 / s
// and s * W2, until nothing changes. Weights have a scale for each output channel here, so what is
// won is the activations between; a pair is left alone where their predicted noise doesn't fall.
//
// High biases (section 4.1.3 there) aren't absorbed: it would hold only for the data that
// calibration saw, and not at padded borders, while asymmetric activations lose little by an
// offset.
#include <cmath>

#include "engine/quant/algorithm.h"
#include "engine/quant/region_noise.h"

namespace octet::quant::equalize {
namespace {

constexpr int kRounds = 8;
constexpr double kWorthIt = 0.95;  // Of the noise before.

// The largest magnitude of each channel in the weights (not the vectors) of a list, each tensor
// relative to its own largest.
std::vector<double> ranges(const Graph& graph, const ChannelRegion& region,
                           const std::vector<Absorber>& list) {
  std::vector<double> result(region.count, 0.0);
  for (const Absorber& absorber : list) {
    const Tensor& tensor =
        *graph.constant(graph.node(absorber.use.node).inputs[absorber.use.input]);
    if (tensor.rank() < 2) continue;
    const auto channel = channel_of_elements(tensor.dims(), absorber, region.count);
    const auto values = tensor.as<float>();
    std::vector<double> own(region.count, 0.0);
    double largest = 0.0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (channel[i] < 0) continue;
      const double magnitude = std::fabs(values[i]);
      largest = std::max(largest, magnitude);
      double& mine = own[static_cast<size_t>(channel[i])];
      mine = std::max(mine, magnitude);
    }
    for (size_t c = 0; c < own.size() && largest > 0.0; ++c)
      result[c] = std::max(result[c], own[c] / largest);
  }
  return result;
}

bool improve(AlgorithmContext& context, const ChannelRegion& region) {
  const auto noise = RegionNoise::of(context.graph, region, context.observations);
  if (!noise) return false;
  const auto first = ranges(context.graph, region, region.sources);
  const auto second = ranges(context.graph, region, region.sinks);
  std::vector<double> factors;
  for (size_t c = 0; c < region.count; ++c) factors.push_back(std::sqrt(second[c] / first[c]));
  const auto exact = exact_factors(factors);
  const std::vector<float> ones(region.count, 1.0F);
  if (!(noise->at(exact) < kWorthIt * noise->at(ones))) return false;
  context.observations.scale(context.graph, region, exact);
  return true;
}

}  // namespace

Status run(AlgorithmContext& context) {
  const auto regions = find_regions(context.graph);
  std::vector<bool> touched(regions.size(), false);
  bool changed = true;
  for (int round = 0; round < kRounds && changed; ++round) {
    changed = false;
    for (size_t i = 0; i < regions.size(); ++i) {
      if (regions[i].from_norm || !improve(context, regions[i])) continue;
      changed = true;
      touched[i] = true;
    }
  }
  for (const bool one : touched)
    if (one) ++context.report.algorithms["equalize"];
  return {};
}

}  // namespace octet::quant::equalize
