#include "engine/ir/stop.h"
#include "engine/ops/evaluate.h"
#include "engine/ops/op.h"
#include "engine/passes/pass.h"

namespace octet::passes::fold_constants {
namespace {

// A large constant of halfs that a Cast widens: stored so to save memory.
bool widens_weights(const Graph& graph, const Node& node) {
  constexpr size_t kLarge = 1024;
  if (node.op->name != "Cast" || !node.op->domain.empty()) return false;
  const Tensor* from = graph.constant(node.inputs[0]);
  return from != nullptr && from->count() >= kLarge &&
         (from->dtype() == DType::f16 || from->dtype() == DType::bf16);
}

// A quantized constant is a stored type: folding must never widen it.
bool foldable(const Graph& graph, const Node& node) {
  if (!node.op->foldable || node.op->implementations.empty() || !node.bodies.empty()) return false;
  for (const ValueId input : node.inputs) {
    if (input == kNoValue) continue;
    const Value& value = graph.value(input);
    if (!value.constant || value.quant) return false;
  }
  if (widens_weights(graph, node)) return false;
  // Identity is taken out, not evaluated: its constant stays one, however many share it.
  return node.op->name != "DequantizeLinear" && node.op->name != "Identity";
}

// Integer outputs whose every element inference knows need no evaluation at all.
std::optional<Tensor> from_elements(const Value& value) {
  if (!value.elements || !all_known(*value.elements) || !value.type.has_known_shape())
    return std::nullopt;
  const auto integers = known_dims(*value.elements);
  const Dims dims = known_dims(*value.type.shape);
  if (checked_count(dims) != static_cast<int64_t>(integers.size())) return std::nullopt;
  if (value.type.dtype == DType::s64) return Tensor::of(dims, integers);
  if (value.type.dtype == DType::s32)
    return Tensor::of(dims, std::vector<int32_t>(integers.begin(), integers.end()));
  return std::nullopt;
}

size_t output_bytes(const Graph& graph, const Node& node) {
  size_t bytes = 0;
  for (const ValueId output : node.outputs) {
    if (output == kNoValue) continue;
    const Type& type = graph.value(output).type;
    if (!type.has_known_shape()) continue;
    const auto count = checked_count(known_dims(*type.shape));
    if (!count) return SIZE_MAX;
    bytes += dtype_bytes(type.dtype, static_cast<size_t>(*count));
  }
  return bytes;
}

size_t input_bytes(const Graph& graph, const Node& node) {
  size_t bytes = 0;
  for (const ValueId input : node.inputs)
    if (input != kNoValue) bytes += graph.value(input).constant->bytes().size();
  return bytes;
}

void replace(Graph& graph, ValueId output, const Tensor& tensor) {
  const ValueId constant = graph.add_constant(graph.unique_name(graph.value(output).name), tensor);
  graph.replace_uses(output, constant);
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.outputs.size() == 1 && node.has_output(0)) {
      if (const auto tensor = from_elements(graph.value(node.outputs[0]))) {
        const bool is_result = graph.is_output(node.outputs[0]);
        if (!is_result) replace(graph, node.outputs[0], *tensor);
        changed = changed || !is_result;
        continue;
      }
    }
    if (!foldable(graph, node)) continue;
    const size_t bytes = output_bytes(graph, node);
    if (bytes > options.fold_limit && bytes > input_bytes(graph, node)) continue;
    OCTET_RETURN_IF_ERROR(check_stop());
    auto outputs = evaluate(graph, node, options.fold_limit);
    OCTET_RETURN_IF_ERROR(check_stop());
    if (!outputs) continue;  // Left to the run, which reports the error with its data.
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!node.has_output(i)) continue;
      if (graph.is_output(node.outputs[i])) continue;
      replace(graph, node.outputs[i], (*outputs)[i]);
      changed = true;
    }
  }
  return changed;
}

}  // namespace octet::passes::fold_constants
