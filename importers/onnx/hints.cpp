#include "importers/onnx/hints.h"

#include "engine/ir/log.h"
#include "engine/ops/common/recurrent.h"
#include "engine/ops/dynamic_quantize_linear.h"

namespace octet::onnx {
namespace {

// Calls f with every LSTM and GRU of the graph, which may be const, and its bodies.
template <typename G, typename F>
void each_recurrent(G& graph, const F& f) {
  for (const NodeId id : graph.order()) {
    auto& node = graph.node(id);
    if (ops::recurrent::is_recurrent(node)) f(node);
    for (const auto& body : node.bodies) each_recurrent<G>(*body, f);
  }
}

// Whether the graph has a node of this name for the hint.
bool set_state_bits(Graph& graph, std::string_view name, std::string_view bits) {
  bool found = false;
  if (bits != "8" && bits != "16") return found;
  each_recurrent(graph, [&](Node& node) {
    if (node.name != name) return;
    node.attrs = ops::recurrent::with_state_bits(node, bits == "8" ? 8 : 16);
    found = true;
  });
  return found;
}

bool is_state_hint(std::string_view key) { return key.starts_with(kStateBitsHint); }

// False where octet knows the key, but not what it says.
bool read_hint(std::string_view key, std::string_view value, Graph& graph) {
  if (is_state_hint(key)) return set_state_bits(graph, key.substr(kStateBitsHint.size()), value);
  if (key != kDynamicScalesHint) return true;
  if (value == "row") ops::set_row_scales(graph);
  return value == "row";
}

}  // namespace

void read_hints(const Metadata& metadata, Graph& graph) {
  for (const auto& [key, value] : metadata) {
    if (read_hint(key, value, graph)) continue;
    log::lazily(log::Level::warning, [&, &name = key, &said = value] {
      return "the hint " + name + " = '" + said + "' isn't known and is passed over";
    });
  }
}

void write_hints(const Graph& graph, Metadata& metadata) {
  std::erase_if(metadata, [](const auto& entry) {
    return entry.first == kDynamicScalesHint || is_state_hint(entry.first);
  });
  if (ops::has_row_scales(graph)) metadata[std::string(kDynamicScalesHint)] = "row";
  each_recurrent(graph, [&](const Node& node) {
    if (ops::recurrent::attrs_of(node).state_bits == 8 && !node.name.empty())
      metadata[std::string(kStateBitsHint) + node.name] = "8";
  });
}

}  // namespace octet::onnx
