// SmoothQuant (Xiao et al. 2023, https://arxiv.org/abs/2211.10438, equation 4): activations whose
// channels differ much in size give some of it to the weights that read them,
// s_j = max|X_j|^a / max|W_j|^(1 - a), x_j / s_j and W_j * s_j. The migration strength a is
// searched for each region of channels (norms, linear pairs, gated units, values and queries of
// attention), and a region is left alone where the predicted noise doesn't fall. Factors are powers
// of two, so the float graph keeps its results to the bit.
#include <cmath>

#include "engine/quant/algorithm.h"
#include "engine/quant/region_noise.h"

namespace octet::quant::smooth_quant {
namespace {

constexpr double kSteps = 20.0;    // Strengths 0.05, 0.10 ... 1.
constexpr double kWorthIt = 0.95;  // Of the noise before.
// The same where a product has to be added, which costs time.
constexpr double kWorthAProduct = 0.25;

std::vector<float> factors_of(const RegionNoise& noise, double strength) {
  std::vector<double> factors;
  for (size_t c = 0; c < noise.pushed().size(); ++c) {
    const double activation = noise.pushed()[c];
    const double weight = std::max(static_cast<double>(noise.pulled()[c]), 1e-6);
    factors.push_back(std::pow(weight, 1.0 - strength) / std::pow(activation, strength));
  }
  return exact_factors(factors);
}

}  // namespace

Status run(AlgorithmContext& context) {
  for (const ChannelRegion& region : find_regions(context.graph)) {
    const auto noise = RegionNoise::of(context.graph, region, context.observations);
    if (!noise) continue;
    const std::vector<float> ones(region.count, 1.0F);
    double least = (region.taps.empty() ? kWorthIt : kWorthAProduct) * noise->at(ones);
    std::vector<float> best;
    for (double step = 1.0; step <= kSteps; ++step) {
      auto factors = factors_of(*noise, step / kSteps);
      const double reached = noise->at(factors);
      if (!(reached < least)) continue;
      least = reached;
      best = std::move(factors);
    }
    if (best.empty()) continue;
    context.observations.scale(context.graph, region, best);
    ++context.report.algorithms["smooth_quant"];
  }
  return {};
}

}  // namespace octet::quant::smooth_quant
