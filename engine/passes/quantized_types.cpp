// QuantizeLinear→DequantizeLinear pairs become Values with a storage type, and DequantizeLinear of
// a constant a constant of that type, whoever wrote them. Lone nodes stay.
#include <algorithm>

#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::quantized_types {
namespace {

// The type that a (De)QuantizeLinear node's constant scale and zero point describe. Inference has
// checked that there are as many as the input's dims ask for.
QuantPtr quant_of(const Graph& graph, const Node& node, DType storage) {
  const Tensor* scale = graph.constant(node.inputs[1]);
  if (scale == nullptr || scale->count() == 0 || graph.value(node.inputs[1]).quant) return nullptr;
  if (!dtype_is_integer(storage) || dtype_bits(storage) < 4) return nullptr;
  const Tensor* zero_point = node.has_input(2) ? graph.constant(node.inputs[2]) : nullptr;
  if (node.has_input(2) && zero_point == nullptr) return nullptr;
  auto quant = std::make_shared<QuantType>();
  quant->storage = storage;
  quant->real = scale->dtype();
  quant->scale = *scale;
  if (zero_point != nullptr) quant->zero_point = *zero_point;
  if (scale->dtype() != DType::f32) return nullptr;
  const int64_t block = int_attr(node, "block_size", 0);
  const auto& shape = graph.value(node.inputs[0]).type.shape;
  if (scale->count() > 1 || block > 0) {
    if (!shape) return nullptr;
    const auto axis = normalize_axis(int_attr(node, "axis", 1), shape->size());
    if (!axis) return nullptr;
    quant->axis = static_cast<int>(*axis);
  }
  quant->block = block;
  return quant;
}

bool same_parameters(const QuantPtr& a, const QuantPtr& b) {
  if (!a || !b || a->scale.to_float() != b->scale.to_float()) return false;
  const auto zeros = [](const QuantType& quant) {
    return quant.zero_point.dtype() == DType::undefined
               ? std::vector<int64_t>(quant.scale.count(), 0)
               : quant.zero_point.to_int64();
  };
  return zeros(*a) == zeros(*b) && a->axis == b->axis && a->block == b->block;
}

// 4-bit codes without blocks as the bytes that integer kernels take; others as they are.
Tensor as_bytes(const Tensor& codes) {
  if (codes.dtype() != DType::s4 && codes.dtype() != DType::u4) return codes;
  const auto wide = codes.to_int64();
  if (codes.dtype() == DType::s4)
    return Tensor::of(codes.dims(), std::vector<int8_t>(wide.begin(), wide.end()));
  return Tensor::of(codes.dims(), std::vector<uint8_t>(wide.begin(), wide.end()));
}

// A tensor of codes that nobody else reads as such becomes a constant of the quantized type.
bool take_constant(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const Value& codes = graph.value(node.inputs[0]);
  const QuantPtr said = quant_of(graph, node, codes.constant->dtype());
  if (!said || graph.is_output(node.outputs[0])) return false;
  QuantType quant = *said;
  const Tensor stored = quant.block == 0 ? as_bytes(*codes.constant) : *codes.constant;
  quant.storage = stored.dtype();
  if (quant.block == 0) quant.zero_point = as_bytes(quant.zero_point);
  const ValueId constant =
      graph.add_constant(codes.name, stored, std::make_shared<const QuantType>(std::move(quant)));
  graph.replace_uses(node.outputs[0], constant);
  return true;
}

// Halfs that a Cast widens are a storage type too: each stands for itself.
bool take_halfs(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const Value& halfs = graph.value(node.inputs[0]);
  const DType storage = halfs.constant->dtype();
  if (storage != DType::f16 && storage != DType::bf16) return false;
  if (graph.value(node.outputs[0]).type.dtype != DType::f32 || graph.is_output(node.outputs[0]))
    return false;
  auto quant = std::make_shared<QuantType>();
  quant->storage = storage;
  quant->scale = Tensor::scalar(1.0F);
  const ValueId constant = graph.add_constant(halfs.name, *halfs.constant, quant);
  graph.replace_uses(node.outputs[0], constant);
  return true;
}

// Codes that the source's producer may store by itself; else a node that rounds.
ValueId rounded(Graph& graph, ValueId source, const QuantPtr& quant, NodeId quantize) {
  Value& value = graph.value(source);
  if (value.producer != kNoNode && !value.quant && one_reads_elements(graph, source)) {
    value.quant = quant;
    return source;
  }
  const std::string name = graph.unique_name(value.name + "_quantized");
  const ValueId codes = graph.add_op(require_op(kOctetDomain, "Quantize"), {source},
                                     Attrs::of(NoAttrs{}), name, quantize);
  graph.value(codes).type = graph.value(source).type;
  graph.value(codes).quant = quant;
  return codes;
}

bool take_pair(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const NodeId quantize = producer_id(graph, node.inputs[0], "QuantizeLinear");
  if (quantize == kNoNode || graph.is_output(node.inputs[0])) return false;
  const Node& source = graph.node(quantize);
  if (graph.value(source.inputs[0]).type.dtype != DType::f32) return false;
  const DType storage = graph.value(node.inputs[0]).type.dtype;
  const QuantPtr quant = quant_of(graph, node, storage);
  if (!quant || !quant->per_tensor() || !same_parameters(quant, quant_of(graph, source, storage)))
    return false;
  // All readers of the codes must be the same pair's: then QuantizeLinear goes as a whole.
  std::vector<NodeId> readers;
  for (const Use& use : graph.value(node.inputs[0]).uses) {
    const Node& reader = graph.node(use.node);
    if (reader.op != node.op || graph.is_output(reader.outputs[0]) ||
        !same_parameters(quant, quant_of(graph, reader, storage)))
      return false;
    readers.push_back(use.node);
  }
  const ValueId codes = rounded(graph, source.inputs[0], quant, quantize);
  for (const NodeId reader : readers) {
    graph.replace_uses(graph.node(reader).outputs[0], codes);
    graph.remove_node(reader);
  }
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    if (!graph.alive(id)) continue;
    const Node& node = graph.node(id);
    if (!node.op->domain.empty()) continue;
    const bool constant = node.has_input(0) && graph.constant(node.inputs[0]) != nullptr;
    if (node.op->name == "Cast" && constant) changed = take_halfs(graph, id) || changed;
    if (node.op->name != "DequantizeLinear") continue;
    changed = (constant ? take_constant(graph, id) : take_pair(graph, id)) || changed;
  }
  return changed;
}

}  // namespace octet::passes::quantized_types
