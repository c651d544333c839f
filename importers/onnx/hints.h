#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/ir/graph.h"

// What a model's metadata_props say to octet alone. Other runtimes pass over hints; how far their
// results may then differ is stated with each.

namespace octet::onnx {

using Metadata = std::map<std::string, std::string, std::less<>>;

/// "row": DynamicQuantizeLinear in front of products with constant weights takes each row's own
/// range. Without it the whole tensor has one, as ONNX says; either output of a product lies within
/// half the sum of both scales, times the column's sum of |weights|, of the other.
inline constexpr std::string_view kDynamicScalesHint = "octet.dynamic_scales";

/// Followed by the name of an LSTM or GRU with int8 recurrent weights, "8": octet multiplies codes
/// of 8 bits of the hidden state by them; without it, of 16. A step's sum that a gate takes of the
/// state lies within max(1, |h0|) / 254 (of 16 bits, / 65,278), times the sum of |weights| of the
/// gate's unit, of that over the unrounded state, which is what ONNX says.
inline constexpr std::string_view kStateBitsHint = "octet.state_bits.";

/// Puts the hints that are known into the graph; values that aren't are logged and passed over.
void read_hints(const Metadata& metadata, Graph& graph);
/// Makes `metadata` say what the graph does; entries that are no hints of ours stay.
void write_hints(const Graph& graph, Metadata& metadata);

}  // namespace octet::onnx
