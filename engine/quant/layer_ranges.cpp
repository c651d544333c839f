#include "engine/quant/layer_ranges.h"

#include <algorithm>
#include <cmath>

#include "engine/quant/select.h"

namespace octet::quant {
namespace {

// The module of a node's name: "a.b" of "/a/b/Gemm". A list's elements repeat the list's name
// ("/blocks/blocks.0/Conv" is "blocks.0").
std::string scope_of(const std::string& node) {
  std::string scope;
  std::string last;
  for (size_t at = node.starts_with("/") ? 1 : 0;;) {
    const size_t end = node.find('/', at);
    if (end == std::string::npos) return scope;
    const std::string part = node.substr(at, end - at);
    if (!last.empty() && part.starts_with(last + "."))
      scope.resize(scope.size() - last.size());
    else if (!scope.empty())
      scope += '.';
    scope += part;
    last = part;
    at = end + 1;
  }
}

class Matcher {
 public:
  explicit Matcher(const Graph& graph) : graph_(graph) {
    for (const NodeId id : graph.order()) {
      const QuantSpec spec = spec_of(graph, graph.node(id));
      if (!spec.anchor) continue;
      by_name_.emplace(scope_of(graph.node(id).name), id);
      for (const ValueId input : graph.node(id).inputs)
        if (graph.constant(input) != nullptr) add_constant(graph.value(input).name, id);
    }
  }

  Result<LayerRanges> run(const std::vector<Layer>& layers) {
    for (const Layer& layer : layers) {
      std::set<NodeId> nodes;
      const auto [begin, end] = by_name_.equal_range(layer.name);
      for (auto at = begin; at != end; ++at) nodes.insert(at->second);
      if (nodes.empty())
        return invalid_data("layer '" + layer.name + "': no node of the model has this name");
      for (const NodeId id : nodes) OCTET_RETURN_IF_ERROR(take(layer, id));
    }
    return std::move(found_);
  }

 private:
  void add_constant(const std::string& name, NodeId id) {
    constexpr std::string_view kSuffix = ".weight";
    if (!name.ends_with(kSuffix)) return;
    const std::string layer = name.substr(0, name.size() - kSuffix.size());
    if (layer != scope_of(graph_.node(id).name)) by_name_.emplace(layer, id);
  }

  Status take(const Layer& layer, NodeId id) {
    const Node& node = graph_.node(id);
    const QuantSpec spec = spec_of(graph_, node);
    found_.nodes.insert(id);
    if (layer.input) OCTET_RETURN_IF_ERROR(take_range(layer, node.inputs[0], *layer.input));
    if (layer.output) OCTET_RETURN_IF_ERROR(take_range(layer, result_of(node), *layer.output));
    if (!layer.weights) return {};
    bool found = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (port_of(spec.inputs, i).role != PortQuant::Role::weight) continue;
      if (graph_.constant(node.inputs[i]) == nullptr) continue;
      found_.weights[node.inputs[i]] = *layer.weights;
      found = true;
    }
    if (!found)
      return invalid_data("layer '" + layer.name + "': " + node.label() +
                          " has no constant weights for 'weight_scale'");
    return {};
  }

  // A layer's result is behind its bias.
  ValueId result_of(const Node& node) const {
    const ValueId output = node.outputs[0];
    if (node.op->name != "MatMul" || !graph_.single_use(output)) return output;
    const Node& next = graph_.node(graph_.value(output).uses[0].node);
    const bool bias =
        next.op->name == "Add" && next.op->domain.empty() &&
        (graph_.constant(next.inputs[0]) != nullptr || graph_.constant(next.inputs[1]) != nullptr);
    return bias ? next.outputs[0] : output;
  }

  Status take_range(const Layer& layer, ValueId value, Range range) {
    const auto [at, added] = found_.ranges.try_emplace(value, range);
    if (added) {
      said_by_[value] = layer.name;
      return {};
    }
    const Range& known = at->second;
    const float width = std::max(known.high - known.low, range.high - range.low);
    const float apart =
        std::max(std::fabs(known.low - range.low), std::fabs(known.high - range.high));
    if (apart > 0.01F * width)
      return invalid_data("layers '" + said_by_[value] + "' and '" + layer.name +
                          "' contradict each other on the range of '" + graph_.value(value).name +
                          "'");
    return {};
  }

  const Graph& graph_;
  std::multimap<std::string, NodeId> by_name_;
  std::map<ValueId, std::string> said_by_;
  LayerRanges found_;
};

struct CodeRange {
  int64_t low;
  int64_t high;
};

// How many weights have codes outside the range by more than one.
size_t outside(std::span<const float> values, const std::vector<size_t>& channels,
               const LayerWeights& layer, CodeRange range) {
  size_t count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = channels[i];
    const double code = static_cast<double>(values[i]) / static_cast<double>(layer.scale[c]) +
                        static_cast<double>(layer.zero_point[c]);
    if (!(code >= static_cast<double>(range.low - 1) &&
          code <= static_cast<double>(range.high + 1)))
      ++count;
  }
  return count;
}

template <typename T>
Tensor round_to(const Tensor& weights, const std::vector<size_t>& channels,
                const LayerWeights& layer, CodeRange range) {
  const auto values = weights.as<float>();
  std::vector<T> codes(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = channels[i];
    const ZeroPoint zero_point{static_cast<int32_t>(layer.zero_point[c])};
    const auto code = octet::quantize<T>(values[i], {layer.scale[c]}, zero_point);
    codes[i] = static_cast<T>(std::clamp<int64_t>(code, range.low, range.high));
  }
  return Tensor::of(weights.dims(), codes);
}

Error bad(const LayerWeights& layer, const std::string& what) {
  return invalid_data("layer '" + layer.layer + "': " + what);
}

template <typename T>
Tensor zero_points(const LayerWeights& layer, const Dims& dims) {
  const std::vector<T> codes(layer.zero_point.begin(), layer.zero_point.end());
  return Tensor::of(dims, codes);
}

}  // namespace

Result<LayerRanges> match_layers(const Graph& graph, const std::vector<Layer>& layers) {
  return Matcher(graph).run(layers);
}

Result<QuantizedTensor> quantize_as(const Tensor& weights, const LayerWeights& layer, int axis) {
  const auto values = weights.as<float>();
  const size_t scales = layer.scale.size();
  const auto extent = static_cast<size_t>(weights.dims()[static_cast<size_t>(axis)]);
  if (scales != 1 && scales != extent)
    return bad(layer, "'weight_scale' has " + std::to_string(scales) + " elements, the weights " +
                          std::to_string(extent) + " channels");
  size_t inner = 1;
  for (size_t i = static_cast<size_t>(axis) + 1; i < weights.rank(); ++i)
    inner *= static_cast<size_t>(weights.dims()[i]);
  std::vector<size_t> channels(values.size(), 0);
  if (scales > 1)
    for (size_t i = 0; i < values.size(); ++i) channels[i] = i / inner % extent;

  const int64_t half = int64_t{1} << (layer.bits - 1);
  const CodeRange signed_codes{-half, half - 1};
  const CodeRange unsigned_codes{0, 2 * half - 1};
  const size_t left_signed = outside(values, channels, layer, signed_codes);
  const size_t left_unsigned = outside(values, channels, layer, unsigned_codes);
  const bool is_unsigned = left_unsigned < left_signed;
  const CodeRange range = is_unsigned ? unsigned_codes : signed_codes;
  for (const int64_t zero_point : layer.zero_point)
    if (zero_point < range.low || zero_point > range.high)
      return bad(layer,
                 "'weight_zero_point' is no code of " + std::to_string(layer.bits) + " bits");
  if (4 * std::min(left_signed, left_unsigned) > values.size())
    return bad(layer, "'weight_scale' and 'weight_zero_point' don't hold its weights");

  const Dims dims = scales == 1 ? Dims{} : Dims{static_cast<int64_t>(scales)};
  auto quant = std::make_shared<QuantType>();
  quant->storage = is_unsigned ? DType::u8 : DType::s8;
  quant->scale = Tensor::of(dims, layer.scale);
  quant->axis = axis;
  quant->zero_point =
      is_unsigned ? zero_points<uint8_t>(layer, dims) : zero_points<int8_t>(layer, dims);
  Tensor codes = is_unsigned ? round_to<uint8_t>(weights, channels, layer, range)
                             : round_to<int8_t>(weights, channels, layer, range);
  return QuantizedTensor{std::move(codes), std::move(quant)};
}

}  // namespace octet::quant
