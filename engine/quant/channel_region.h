#pragma once

#include <map>
#include <optional>
#include <vector>

#include "engine/ir/graph.h"

namespace octet::quant {

/// Where a region's channels lie in a tensor: the indices along `axes` (outermost first) are one
/// flat index; the channel is (flat - first) / repeat. The tensor holds channel c times
/// t[c]^exponent once the region is scaled by t.
struct Channels {
  std::vector<size_t> axes;
  size_t first = 0;
  size_t repeat = 1;
  int exponent = 1;
  friend bool operator==(const Channels&, const Channels&) = default;
};

/// A constant that takes the scale up. With `group` > 1 it is a convolution's weight [M, C/group,
/// ...] scaled by input channel, and `channels.axes` isn't used.
struct Absorber {
  Use use;
  Channels channels;
  size_t group = 1;
};

/// An operand of integer arithmetic inside a region, which is rounded with one step for the tensor.
struct Operand {
  Use use;
  ValueId value;
  Channels channels;
};

/// The values that have to be scaled together, channel by channel, for the graph's results to stay
/// what they are: from constants that can give a scale (norms, weights' output channels, biases) to
/// constants that can take it back (weights' input channels), through operators that commute with a
/// positive factor.
struct ChannelRegion {
  size_t count = 0;  ///< Channels.
  std::map<ValueId, Channels> values;
  std::vector<Absorber> sources;
  std::vector<Absorber> sinks;
  std::vector<Operand> operands;
  bool from_norm = false;  ///< A normalization is among the sources.
  /// Readers of the norm's output `tapped` that can't take the scale back (a residual sum before
  /// the next norm): they get the old values through a product.
  std::vector<Use> taps;
  ValueId tapped = kNoValue;
};

/// The region around the channels of `start` along `axis`; nothing where some reader or producer
/// can't take part (a result of the graph, a non-linear function, a shared constant), unless
/// `start` is made by a norm and only its readers are in the way: these become taps.
std::optional<ChannelRegion> grow_region(const Graph& graph, ValueId start, size_t axis);

/// All regions of a graph that hold operands, each once, in the order of the graph.
std::vector<ChannelRegion> find_regions(const Graph& graph);

/// Multiplies the constants: channel c of a value by factors[c]^exponent; adds the product for
/// taps. With powers of two every result of the float graph keeps its bits.
void scale_region(Graph& graph, const ChannelRegion& region, const std::vector<float>& factors);

/// The channel of each element of a row-major tensor; -1 outside the region.
std::vector<int32_t> channel_of_elements(const Dims& dims, const Absorber& absorber, size_t count);

}  // namespace octet::quant
