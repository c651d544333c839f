#include "importers/onnx/hints.h"

#include "engine/ir/log.h"
#include "engine/ops/dynamic_quantize_linear.h"

namespace octet::onnx {

void read_hints(const Metadata& metadata, Graph& graph) {
  const auto at = metadata.find(kDynamicScalesHint);
  if (at == metadata.end()) return;
  if (at->second == "row") return ops::set_row_scales(graph);
  log::lazily(log::Level::warning, [&] {
    return "the hint " + at->first + " = '" + at->second + "' isn't known and is passed over";
  });
}

void write_hints(const Graph& graph, Metadata& metadata) {
  const std::string key(kDynamicScalesHint);
  metadata.erase(key);
  if (ops::has_row_scales(graph)) metadata[key] = "row";
}

}  // namespace octet::onnx
