#pragma once

#include <vector>

#include "engine/quant/quantize.h"

namespace octet::quant {

/// What was observed of the values that a quantized graph stores as codes, and what their codes
/// hold; by name. A value that is rounded by a node of its own is named by what that node reads.
std::vector<ValueReport> describe_values(const Graph& graph, const Observations& observations);

}  // namespace octet::quant
