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

/// Puts the hints that are known into the graph; values that aren't are logged and passed over.
void read_hints(const Metadata& metadata, Graph& graph);
/// Makes `metadata` say what the graph does; entries that are no hints of ours stay.
void write_hints(const Graph& graph, Metadata& metadata);

}  // namespace octet::onnx
