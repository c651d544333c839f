#include "engine/quant/half_constants.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>

#include "engine/ops/evaluate.h"
#include "engine/quant/select.h"

namespace octet::quant {
namespace {

// Below this a node that widens takes more bytes than halfs save.
constexpr size_t kWorthwhile = 64;

// The tensor as halfs, if none is off by more than 2^-11 of the largest.
Result<std::optional<Tensor>> as_halfs(const Tensor& wide) {
  OCTET_ASSIGN(Tensor halfs, convert_float(wide, DType::f16));
  const auto back = halfs.to_float();
  const auto values = wide.as<float>();
  float largest = 0.0F;
  float error = 0.0F;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(back[i])) return std::optional<Tensor>();
    largest = std::max(largest, std::fabs(values[i]));
    error = std::max(error, std::fabs(values[i] - back[i]));
  }
  if (error > std::ldexp(largest, -11)) return std::optional<Tensor>();
  return std::optional<Tensor>(std::move(halfs));
}

bool is_float_constant(const Graph& graph, ValueId id) {
  if (id == kNoValue || graph.value(id).quant || graph.is_output(id)) return false;
  const Tensor* constant = graph.constant(id);
  return constant != nullptr && constant->dtype() == DType::f32 && constant->count() >= kWorthwhile;
}

// A Cast to float in front of the node `before`.
ValueId widen(Graph& graph, ValueId halfs, const std::string& name, NodeId before) {
  const OpDef& cast = require_op("", "Cast");
  auto attrs = cast.attrs.read({{"to", static_cast<int64_t>(DType::f32)}}, kMaxOpset);
  assert(attrs.ok());
  const ValueId wide = graph.add_op(cast, {halfs}, std::move(*attrs), name, before);
  graph.node(graph.value(wide).producer).opset = kMaxOpset;
  return wide;
}

}  // namespace

Status store_rest_as_halfs(Graph& graph, const QuantizeOptions& options, ValueId end) {
  std::map<ValueId, ValueId> widened;
  for (const NodeId id : graph.order()) {
    if (excluded(graph.node(id), options)) continue;
    for (size_t i = 0; i < graph.node(id).inputs.size(); ++i) {
      const ValueId from = graph.node(id).inputs[i];
      if (from >= end || !is_float_constant(graph, from)) continue;
      const auto [at, first] = widened.try_emplace(from, from);
      if (first) {
        OCTET_ASSIGN(const auto halfs, as_halfs(*graph.constant(from)));
        if (halfs) {
          const std::string name = graph.take_name(from);
          const ValueId stored = graph.add_constant(name, *halfs);
          at->second = widen(graph, stored, graph.unique_name(name + "_f32"), id);
        }
      }
      graph.set_input(id, i, at->second);
    }
  }
  return {};
}

}  // namespace octet::quant
