#include "engine/quant/region_noise.h"

#include <algorithm>
#include <cmath>

#include "engine/quant/select.h"

namespace octet::quant {
namespace {

constexpr double kUniform = 1.0 / 12.0;  // Variance of a rounding error, in squared steps.

// The factor of the flat index `i`; one outside the region.
double factor_at(const Channels& channels, const std::vector<float>& factors, size_t i) {
  if (i < channels.first) return 1.0;
  const size_t c = (i - channels.first) / channels.repeat;
  if (c >= factors.size()) return 1.0;
  return channels.exponent > 0 ? static_cast<double>(factors[c])
                               : 1.0 / static_cast<double>(factors[c]);
}

}  // namespace

void RegionNoise::note(std::vector<float>& into, const Channels& channels,
                       const std::vector<float>& seen) {
  const float largest = *std::max_element(seen.begin(), seen.end());
  if (!(largest > 0.0F)) return;
  for (size_t i = 0; i < count_ * channels.repeat; ++i) {
    float& mine = into[i / channels.repeat];
    mine = std::max(mine, seen[channels.first + i] / largest);
  }
}

bool RegionNoise::add_consumer(const Graph& graph, const Absorber& sink, const Activation& x) {
  const Node& node = graph.node(sink.use.node);
  const Tensor& weight = *graph.constant(node.inputs[sink.use.input]);
  const int axis = port_of(spec_of(graph, node).inputs, sink.use.input).axis;
  const Dims& dims = weight.dims();
  Absorber whole = sink;
  whole.channels.first = 0;
  whole.channels.repeat = 1;
  Consumer consumer;
  consumer.x = x;
  consumer.channels = sink.channels;
  consumer.inputs = x.statistics->channels();
  const auto input_of = channel_of_elements(dims, whole, consumer.inputs);
  size_t inner = 1;
  for (size_t a = static_cast<size_t>(axis) + 1; a < dims.size(); ++a)
    inner *= static_cast<size_t>(dims[a]);
  const auto outputs = static_cast<size_t>(dims[static_cast<size_t>(axis)]);
  consumer.largest.assign(outputs * consumer.inputs, 0.0F);
  consumer.power.assign(consumer.inputs, 0.0);
  std::vector<float> rows(consumer.inputs, 0.0F);
  const auto values = weight.as<float>();
  for (size_t e = 0; e < values.size(); ++e) {
    if (input_of[e] < 0) return false;
    const auto i = static_cast<size_t>(input_of[e]);
    const float magnitude = std::fabs(values[e]);
    float& largest = consumer.largest[e / inner % outputs * consumer.inputs + i];
    largest = std::max(largest, magnitude);
    rows[i] = std::max(rows[i], magnitude);
    consumer.power[i] += static_cast<double>(magnitude) * magnitude;
  }
  note(sink.channels.exponent < 0 ? pulled_ : pushed_, sink.channels, rows);
  consumers_.push_back(std::move(consumer));
  return true;
}

std::optional<RegionNoise> RegionNoise::of(const Graph& graph, const ChannelRegion& region,
                                           const Observations& observations) {
  RegionNoise noise;
  noise.count_ = region.count;
  noise.pushed_.assign(region.count, 0.0F);
  noise.pulled_.assign(region.count, 0.0F);
  std::map<NodeId, std::vector<Activation>> readers;
  for (const Operand& operand : region.operands) {
    const auto* seen =
        observations.channels(graph.value(operand.value).name, operand.channels.axes);
    if (seen == nullptr) return std::nullopt;
    readers[operand.use.node].push_back({seen, operand.channels});
    std::vector<float> magnitudes(seen->channels());
    for (size_t c = 0; c < magnitudes.size(); ++c) magnitudes[c] = seen->magnitude(c);
    noise.note(operand.channels.exponent > 0 ? noise.pushed_ : noise.pulled_, operand.channels,
               magnitudes);
  }
  for (const auto& [node, activations] : readers) {
    const auto sink = std::find_if(region.sinks.begin(), region.sinks.end(),
                                   [&, id = node](const Absorber& s) { return s.use.node == id; });
    if (sink != region.sinks.end()) {
      if (!noise.add_consumer(graph, *sink, activations[0])) return std::nullopt;
    } else if (activations.size() == 2) {
      noise.pairs_.push_back({activations[0], activations[1]});
    } else {
      noise.passing_.push_back(activations[0]);
    }
  }
  return noise;
}

double RegionNoise::step(const Activation& x, const std::vector<float>& factors) {
  double low = 0.0;
  double high = 0.0;
  for (size_t c = 0; c < x.statistics->channels(); ++c) {
    const double factor = factor_at(x.channels, factors, c);
    low = std::min(low, static_cast<double>(x.statistics->low[c]) * factor);
    high = std::max(high, static_cast<double>(x.statistics->high[c]) * factor);
  }
  return (high - low) / 255.0;
}

double RegionNoise::of_consumer(const Consumer& consumer, const std::vector<float>& factors) const {
  std::vector<double> factor(consumer.inputs);
  double energy = 0.0;  // Of the weights, by which the activations' noise is multiplied.
  double input = 0.0;
  double signal = 0.0;
  for (size_t i = 0; i < consumer.inputs; ++i) {
    factor[i] = factor_at(consumer.channels, factors, i);
    const double power = consumer.x.statistics->power(i);
    energy += consumer.power[i] * factor[i] * factor[i];
    signal += consumer.power[i] * power;
  }
  double noise = 0.0;
  for (size_t o = 0; o * consumer.inputs < consumer.largest.size(); ++o) {
    const float* row = consumer.largest.data() + o * consumer.inputs;
    double largest = 0.0;
    input = 0.0;
    for (size_t i = 0; i < consumer.inputs; ++i) {
      if (row[i] == 0.0F) continue;
      largest = std::max(largest, static_cast<double>(row[i]) * factor[i]);
      input += consumer.x.statistics->power(i) / (factor[i] * factor[i]);
    }
    noise += largest * largest / (127.0 * 127.0) * input;
  }
  double steps = step(consumer.x, factors) * step(consumer.x, factors);
  for (const Activation& passing : passing_)
    steps += step(passing, factors) * step(passing, factors);
  noise += steps * energy;
  return signal > 0.0 ? noise * kUniform / signal : 0.0;
}

double RegionNoise::of_pair(const Pair& pair, const std::vector<float>& factors) {
  const auto power = [&](const Activation& x) {
    double sum = 0.0;
    for (size_t c = 0; c < x.statistics->channels(); ++c) {
      const double factor = factor_at(x.channels, factors, c);
      sum += x.statistics->power(c) * factor * factor;
    }
    return sum;
  };
  double signal = 0.0;
  const size_t channels = std::min(pair.a.statistics->channels(), pair.b.statistics->channels());
  for (size_t c = 0; c < channels; ++c)
    signal += pair.a.statistics->power(c) * pair.b.statistics->power(c);
  const double noise = std::pow(step(pair.a, factors), 2) * power(pair.b) +
                       std::pow(step(pair.b, factors), 2) * power(pair.a);
  return signal > 0.0 ? noise * kUniform / signal : 0.0;
}

double RegionNoise::at(const std::vector<float>& factors) const {
  double noise = 0.0;
  for (const Consumer& consumer : consumers_) noise += of_consumer(consumer, factors);
  for (const Pair& pair : pairs_) noise += of_pair(pair, factors);
  return noise;
}

std::vector<float> exact_factors(const std::vector<double>& factors) {
  double mean = 0.0;
  size_t used = 0;
  for (const double factor : factors) {
    if (!(factor > 0.0) || !std::isfinite(factor)) continue;
    mean += std::log2(factor);
    ++used;
  }
  mean /= static_cast<double>(std::max<size_t>(used, 1));
  constexpr double kLimit = 20.0;  // Far from where a scaled float would lose bits.
  std::vector<float> result;
  for (const double factor : factors) {
    const bool usable = factor > 0.0 && std::isfinite(factor);
    const double exponent = usable ? std::clamp(std::log2(factor) - mean, -kLimit, kLimit) : 0.0;
    result.push_back(static_cast<float>(std::exp2(std::nearbyint(exponent))));
  }
  return result;
}

}  // namespace octet::quant
