#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/quant/observer.h"
#include "engine/quant/weights.h"

namespace octet::quant {

/// Codes of a layer's weights as a quantization-aware tool chose them: per tensor, or one scale and
/// zero point an output channel.
struct LayerWeights {
  std::string layer;  ///< Its name, for messages.
  int64_t bits = 8;
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
};

/// What such a tool says of one layer.
struct Layer {
  std::string name;
  std::optional<LayerWeights> weights;
  std::optional<Range> input;
  std::optional<Range> output;
};

/// The layers of a calibration file as quantization-aware tools export it: a JSON object with an
/// object a layer, by the layer's name, of
///   weight_bits, weight_scale, weight_zero_point (a number, or a list with one an output channel),
///   input_bits, tracked_min_input, tracked_max_input,
///   output_bits, tracked_min_output, tracked_max_output.
/// `bits` are those that activations get. Fails, naming the layer, on other entries, halves of
/// pairs, bits that differ, and numbers that make no sense.
Result<std::vector<Layer>> read_layers(std::string_view text, int64_t bits);

/// The same, by what of the graph it is of.
struct LayerRanges {
  std::map<ValueId, Range> ranges;
  std::map<ValueId, LayerWeights> weights;  ///< By the constant.
  std::set<NodeId> nodes;                   ///< Those that have a layer.
};

/// Finds each layer's nodes by the names that PyTorch's exporter gives: layer 'a.b' is the node
/// with the constant 'a.b.weight' or of the scope '/a/b/'. Fails, naming the layer, when there is
/// no such node, and naming both when two layers' ranges for one value differ by more than 1%.
Result<LayerRanges> match_layers(const Graph& graph, const std::vector<Layer>& layers);

/// Codes of a constant with a layer's parameters. Unsigned where that holds more of the weights
/// than signed. Fails when the numbers of scales and channels differ, or when the codes don't hold
/// most of the weights.
Result<QuantizedTensor> quantize_as(const Tensor& weights, const LayerWeights& layer, int axis);

}  // namespace octet::quant
