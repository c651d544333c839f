#include "engine/quant/values.h"

#include <algorithm>

#include "engine/ops/op.h"

namespace octet::quant {
namespace {

constexpr size_t kBins = 64;

// The histogram's counts in kBins bins over the extremes; a fine bin goes where its middle is.
std::vector<uint64_t> coarse_counts(const Observer& observer) {
  const Histogram& histogram = observer.histogram();
  const auto [low, high] = observer.minmax();
  if (histogram.empty() || !(low < high)) return {};
  std::vector<uint64_t> counts(kBins, 0);
  const double width = (static_cast<double>(high) - static_cast<double>(low)) / kBins;
  const auto bins = histogram.bins();
  for (size_t i = 0; i < bins.size(); ++i) {
    if (bins[i] == 0) continue;
    const double middle = histogram.edge(i) + 0.5 * histogram.width();
    const double at = (middle - static_cast<double>(low)) / width;
    counts[static_cast<size_t>(std::clamp(at, 0.0, static_cast<double>(kBins - 1)))] += bins[i];
  }
  return counts;
}

}  // namespace

std::vector<ValueReport> describe_values(const Graph& graph, const Observations& observations) {
  std::map<std::string, ValueReport> reports;
  for (ValueId id = 0; id < graph.value_capacity(); ++id) {
    if (!graph.alive_value(id)) continue;
    const Value& value = graph.value(id);
    if (!value.quant || value.constant || !value.quant->per_tensor()) continue;
    std::string name = value.name;
    if (value.producer != kNoNode) {
      const Node& node = graph.node(value.producer);
      if (node.op->domain == kOctetDomain && node.op->name == "Quantize")
        name = graph.value(node.inputs[0]).name;
    }
    const Observer* observer = observations.range(name);
    if (observer == nullptr || !observer->seen()) continue;
    ValueReport& report = reports[name];
    report.value = name;
    report.storage = value.quant->storage;
    report.scale = value.quant->tensor_scale();
    report.zero_point = value.quant->tensor_zero_point();
    report.seen = observer->minmax();
    const int64_t lowest = lowest_code(report.storage) - report.zero_point.v;
    const int64_t highest = lowest + levels_of(report.storage) - 1;
    report.chosen = {report.scale.v * static_cast<float>(lowest),
                     report.scale.v * static_cast<float>(highest)};
    report.zeros = observer->histogram().zeros();
    report.counts = coarse_counts(*observer);
  }
  std::vector<ValueReport> list;
  for (auto& [name, report] : reports) list.push_back(std::move(report));
  return list;
}

}  // namespace octet::quant
