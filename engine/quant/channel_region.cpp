#include "engine/quant/channel_region.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "engine/ops/op.h"
#include "engine/passes/match.h"
#include "engine/quant/region_rules.h"

namespace octet::quant {

bool RegionGrower::join(ValueId id, Channels channels) {
  if (id == kNoValue) return false;
  const Value& value = graph_.value(id);
  if (value.constant || value.quant || value.type.dtype != DType::f32 || !value.type.shape)
    return false;
  if (!fits(id, channels)) return false;
  const auto [at, added] = region_.values.try_emplace(id, channels);
  if (added) waiting_.push_back(id);
  return at->second == channels;
}

bool RegionGrower::fits(ValueId id, const Channels& channels) const {
  const Shape& shape = *graph_.value(id).type.shape;
  int64_t flat = 1;
  for (const size_t axis : channels.axes) {
    if (axis >= shape.size() || !shape[axis].known()) return false;
    flat *= shape[axis].value();
  }
  return channels.first + region_.count * channels.repeat <= static_cast<size_t>(flat);
}

bool RegionGrower::absorb(Use use, const Channels& channels, bool source, size_t group) {
  auto& list = source ? region_.sources : region_.sinks;
  const auto same = [&](const Absorber& known) { return known.use == use; };
  const auto& others = source ? region_.sinks : region_.sources;
  if (std::any_of(others.begin(), others.end(), same)) return false;
  const auto known = std::find_if(list.begin(), list.end(), same);
  if (known != list.end()) return known->channels == channels;
  const ValueId id = graph_.node(use.node).inputs[use.input];
  const Tensor* tensor = graph_.constant(id);
  if (tensor == nullptr || tensor->dtype() != DType::f32 || graph_.value(id).quant ||
      graph_.value(id).uses.size() != 1 || graph_.is_output(id))
    return false;
  size_t flat = 1;
  for (const size_t axis : channels.axes) {
    if (axis >= tensor->rank()) return false;
    flat *= static_cast<size_t>(tensor->dims()[axis]);
  }
  if (group == 1 && channels.first + region_.count * channels.repeat > flat) return false;
  list.push_back({use, channels, group});
  return true;
}

void RegionGrower::read(Use use, ValueId id, const Channels& channels) {
  region_.operands.push_back({use, id, channels});
}

std::optional<ChannelRegion> RegionGrower::grow(ValueId start, size_t axis) {
  const auto& shape = graph_.value(start).type.shape;
  if (!shape || axis >= shape->size() || !(*shape)[axis].known()) return std::nullopt;
  region_.count = static_cast<size_t>((*shape)[axis].value());
  if (region_.count < 2 || !join(start, {.axes = {axis}})) return std::nullopt;
  if (tapping_) region_.tapped = start;
  while (!waiting_.empty()) {
    const ValueId id = waiting_.back();
    waiting_.pop_back();
    if (!visit(id)) return std::nullopt;
  }
  if (region_.operands.empty() || region_.sources.empty()) return std::nullopt;
  return std::move(region_);
}

namespace {

// Operators that take a scale back by themselves, or hand it on to such ones.
bool is_linear(const OpDef& op) {
  constexpr std::string_view kLinear[] = {"Conv",   "GRU",   "Gemm",     "LSTM",
                                          "MatMul", "Shape", "Transpose"};
  return op.domain.empty() &&
         std::find(std::begin(kLinear), std::end(kLinear), op.name) != std::end(kLinear);
}

}  // namespace

bool RegionGrower::visit(ValueId id) {
  const Channels channels = region_.values.at(id);
  const Value& value = graph_.value(id);
  if (value.producer == kNoNode || graph_.is_output(id)) return false;
  const RegionRule* rule = find_region_rule(*graph_.node(value.producer).op);
  const bool first = graph_.node(value.producer).outputs[0] == id;
  const bool split = graph_.node(value.producer).op->name == "Split";
  if (rule == nullptr || rule->made == nullptr || !(first || split)) return false;
  if (!rule->made(*this, value.producer, id, channels)) return false;
  for (const Use& use : value.uses) {
    if (id == region_.tapped && !is_linear(*graph_.node(use.node).op)) {
      region_.taps.push_back(use);
      continue;
    }
    rule = find_region_rule(*graph_.node(use.node).op);
    if (rule == nullptr || rule->used == nullptr || !rule->used(*this, use, channels)) return false;
  }
  return true;
}

std::optional<ChannelRegion> grow_region(const Graph& graph, ValueId start, size_t axis) {
  auto region = RegionGrower(graph, false).grow(start, axis);
  if (region) return region;
  region = RegionGrower(graph, true).grow(start, axis);
  return region && region->from_norm ? std::move(region) : std::nullopt;
}

namespace {

// Axes along which an operator's output may begin a region.
std::optional<size_t> start_axis(const Graph& graph, const Node& node, size_t output) {
  const auto& shape = graph.value(node.outputs[output]).type.shape;
  if (!shape || shape->empty()) return std::nullopt;
  const std::string_view name = node.op->name;
  if (name == "Split") {
    const auto axis = normalize_axis(passes::int_attr(node, "axis", 0), shape->size());
    return axis;
  }
  if (output > 0) return std::nullopt;
  if (name == "Conv") return size_t{1};
  constexpr std::string_view kLast[] = {"MatMul", "Gemm", "LayerNormalization", "Mul"};
  if (std::find(std::begin(kLast), std::end(kLast), name) != std::end(kLast))
    return shape->size() - 1;
  return std::nullopt;
}

}  // namespace

std::vector<ChannelRegion> find_regions(const Graph& graph) {
  std::vector<ChannelRegion> regions;
  std::set<Use, decltype([](const Use& a, const Use& b) {
             return std::pair(a.node, a.input) < std::pair(b.node, b.input);
           })>
      taken;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (!node.op->domain.empty()) continue;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const auto axis = node.has_output(i) ? start_axis(graph, node, i) : std::nullopt;
      if (!axis) continue;
      auto region = grow_region(graph, node.outputs[i], *axis);
      if (!region) continue;
      const bool known = std::any_of(region->operands.begin(), region->operands.end(),
                                     [&](const Operand& o) { return taken.count(o.use) > 0; });
      if (known) continue;
      for (const Operand& operand : region->operands) taken.insert(operand.use);
      regions.push_back(std::move(*region));
    }
  }
  return regions;
}

std::vector<int32_t> channel_of_elements(const Dims& dims, const Absorber& absorber, size_t count) {
  const Channels& channels = absorber.channels;
  const auto elements = static_cast<size_t>(checked_count(dims).value_or(0));
  std::vector<size_t> inner(dims.size(), 1);
  for (size_t a = dims.size(); a-- > 1;) inner[a - 1] = inner[a] * static_cast<size_t>(dims[a]);
  std::vector<int32_t> result(elements, -1);
  for (size_t i = 0; i < elements; ++i) {
    size_t flat = 0;
    if (absorber.group > 1) {
      const auto rows = static_cast<size_t>(dims[0]) / absorber.group;
      const auto depth = static_cast<size_t>(dims[1]);
      flat = i / inner[0] / rows * depth + i / inner[1] % depth;
    } else {
      for (const size_t a : channels.axes)
        flat = flat * static_cast<size_t>(dims[a]) + i / inner[a] % static_cast<size_t>(dims[a]);
    }
    if (flat >= channels.first && flat < channels.first + count * channels.repeat)
      result[i] = static_cast<int32_t>((flat - channels.first) / channels.repeat);
  }
  return result;
}

namespace {

void scale_taps(Graph& graph, const ChannelRegion& region, const std::vector<float>& factors) {
  if (region.taps.empty()) return;
  const Value& value = graph.value(region.tapped);
  std::vector<float> back;
  back.reserve(factors.size());
  for (const float factor : factors) back.push_back(1.0F / factor);
  const Type type = value.type;
  const std::string name = graph.unique_name(value.name + "_unscaled");
  const ValueId inverse = graph.add_constant(
      name + "_factors", Tensor::of(Dims{static_cast<int64_t>(back.size())}, back));
  const ValueId product = graph.add_value(name, type);
  Node node = passes::make_node("", "Mul", {region.tapped, inverse}, {}, name);
  node.outputs = {product};
  graph.add_node(std::move(node));
  for (const Use& use : region.taps) graph.set_input(use.node, use.input, product);
  graph.sort();
}

}  // namespace

void scale_region(Graph& graph, const ChannelRegion& region, const std::vector<float>& factors) {
  for (const auto* list : {&region.sources, &region.sinks}) {
    for (const Absorber& absorber : *list) {
      const ValueId id = graph.node(absorber.use.node).inputs[absorber.use.input];
      const Tensor& old = *graph.constant(id);
      const auto channel = channel_of_elements(old.dims(), absorber, region.count);
      std::vector<float> values(old.as<float>().begin(), old.as<float>().end());
      for (size_t i = 0; i < values.size(); ++i) {
        if (channel[i] < 0) continue;
        const float factor = factors[static_cast<size_t>(channel[i])];
        values[i] = absorber.channels.exponent > 0 ? values[i] * factor : values[i] / factor;
      }
      graph.value(id).constant = Tensor::of(old.dims(), values);
    }
  }
  scale_taps(graph, region, factors);
}

}  // namespace octet::quant
