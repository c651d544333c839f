#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/ops/op.h"
#include "engine/quant/quantize.h"

namespace octet::quant {

/// Which nodes and values a static quantization takes.
struct Selection {
  std::set<NodeId> anchors;                    ///< Nodes that do integer arithmetic.
  std::map<ValueId, std::vector<Use>> wanted;  ///< Values to be codes, and who reads them so.
  std::map<ValueId, ValueId> group;            ///< Union-find parents: shared parameters.
  std::vector<NodeReport> report;

  ValueId root(ValueId id) const;
  void unite(ValueId a, ValueId b);
};

/// Takes every anchor that isn't excluded, then follows the values that anchors read backwards
/// through operators that can work on codes: data movement and pools always; additions, products
/// and activations where their own inputs are made by integer arithmetic. What only float operators
/// read (a transformer's residual stream) stays float, and so do the anchors in `floats`, for the
/// reasons given there.
Selection select(const Graph& graph, const QuantizeOptions& options, const Floats& floats = {});

/// Whether an anchor's arithmetic can be done in int8: f32, and enough is known of its weights.
bool quantizable(const Graph& graph, const Node& node, const QuantSpec& spec, std::string* reason);

QuantSpec spec_of(const Graph& graph, const Node& node);
PortQuant port_of(const std::vector<PortQuant>& ports, size_t i);
bool excluded(const Node& node, const QuantizeOptions& options);

}  // namespace octet::quant
