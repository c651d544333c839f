#include "engine/ops/common/activation.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"
#include "engine/quant/select.h"
#include "engine/quant/static.h"
#include "engine/quant/weights.h"

namespace octet::quant {
namespace {

// Codes of a quantized value as ONNX's integer operators take them.
struct Port {
  ValueId codes = kNoValue;
  ValueId scale = kNoValue;
  ValueId zero_point = kNoValue;
};

class Integer {
  static constexpr size_t kBias = 2;  // Port of Conv.

 public:
  explicit Integer(Graph& graph) : graph_(graph) {}

  Status run() {
    for (const NodeId id : graph_.order()) {
      if (!graph_.alive(id)) continue;
      const Node& node = graph_.node(id);
      const bool conv = node.op->domain.empty() && node.op->name == "Conv";
      const bool matmul = node.op->domain.empty() && node.op->name == "MatMul";
      if (!conv && !matmul) continue;
      absorb_clamp(id);
      if (fits(node)) OCTET_RETURN_IF_ERROR(rewrite(id, conv));
    }
    if (!graph_.sort()) return invalid_model("the integer form made a cycle");
    return infer_graph(graph_);
  }

 private:
  bool eight_bit(ValueId id) const {
    const QuantPtr& quant = graph_.value(id).quant;
    return quant && dtype_bits(quant->storage) == 8;
  }

  // A clamp whose bounds lie outside what its codes can hold: they saturate instead.
  void absorb_clamp(NodeId id) {
    const NodeId consumer = passes::only_consumer(graph_, graph_.node(id).outputs[0]);
    if (consumer == kNoNode) return;
    const auto clamp = passes::clamp_of(graph_, graph_.node(consumer));
    const ValueId output = graph_.node(consumer).outputs[0];
    const QuantPtr& quant = graph_.value(output).quant;
    if (!clamp || !eight_bit(output) || !quant->per_tensor()) return;
    const ops::CodeRange kept = ops::code_range(*clamp, *quant);
    const ops::CodeRange all = ops::code_range({}, *quant);
    if (kept.low != all.low || kept.high != all.high) return;
    graph_.remove_node(consumer);
    graph_.set_output(id, 0, output);
  }

  bool fits(const Node& node) const {
    const auto codes = [&](ValueId id) { return ports_.contains(id) || eight_bit(id); };
    return codes(node.inputs[0]) && codes(node.inputs[1]) && eight_bit(node.outputs[0]) &&
           (!node.has_input(kBias) || graph_.constant(node.inputs[kBias]) != nullptr);
  }

  // Sums for a float bias; nothing where they would be too large.
  std::optional<Tensor> bias_sums(const Node& node, const Port& x) {
    const QuantPtr& weights = graph_.value(node.inputs[1]).quant;
    const Scale scale{graph_.constant(x.scale)->to_float()[0]};
    auto bias = quantize_bias(*graph_.constant(node.inputs[kBias]), scale, *weights);
    return bias ? std::optional(std::move(bias->codes)) : std::nullopt;
  }

  ValueId add(std::string_view op, std::vector<ValueId> inputs, const std::string& name,
              DType dtype, const std::optional<Shape>& shape, const AttrMap& attrs = {}) {
    const OpDef& def = require_op("", op);
    auto read = def.attrs.read(attrs, kMaxOpset);
    assert(read.ok());
    const ValueId value = graph_.add_op(def, std::move(inputs), std::move(*read), name);
    graph_.node(graph_.value(value).producer).opset = kMaxOpset;
    graph_.value(value).type = Type::tensor(dtype, shape);
    return value;
  }

  void add_parameters(Port& port, const std::string& name, const QuantType& quant) {
    port.scale = graph_.add_constant(graph_.unique_name(name + "_scale"), quant.scale);
    Tensor zero_point = quant.zero_point;
    if (zero_point.dtype() == DType::undefined) {
      const std::vector<std::byte> zeros(dtype_bytes(quant.storage, quant.scale.count()));
      zero_point = Tensor::copy(quant.storage, quant.scale.dims(), zeros);
    }
    port.zero_point = graph_.add_constant(graph_.unique_name(name + "_zero_point"), zero_point);
  }

  // Activations pass through QuantizeLinear: on a value of that very type it gives the codes.
  Port input(ValueId id) {
    if (const auto known = ports_.find(id); known != ports_.end()) return known->second;
    Port port;
    const Value value = graph_.value(id);
    add_parameters(port, value.name, *value.quant);
    port.codes =
        value.constant
            ? graph_.add_constant(graph_.unique_name(value.name + "_codes"), *value.constant)
            : add("QuantizeLinear", {id, port.scale, port.zero_point}, value.name + "_codes",
                  value.quant->storage, value.type.shape);
    ports_[id] = port;
    return port;
  }

  Status rewrite(NodeId id, bool conv) {
    const Node node = graph_.node(id);
    const Port x = input(node.inputs[0]);
    const auto sums = node.has_input(kBias) ? bias_sums(node, x) : std::nullopt;
    if (node.has_input(kBias) && !sums) return {};
    const Port w = input(node.inputs[1]);
    const ValueId output = node.outputs[0];
    const Value result = graph_.value(output);
    Port y;
    add_parameters(y, result.name, *result.quant);
    std::vector<ValueId> inputs = {x.codes, x.scale,      x.zero_point, w.codes,
                                   w.scale, w.zero_point, y.scale,      y.zero_point};
    if (sums)
      inputs.push_back(graph_.add_constant(graph_.unique_name(result.name + "_bias"), *sums));
    const AttrMap attrs = node.op->attrs.write(node.attrs, kMaxOpset);
    y.codes = add(conv ? "QLinearConv" : "QLinearMatMul", std::move(inputs), result.name + "_codes",
                  result.quant->storage, result.type.shape, attrs);
    graph_.node(graph_.value(y.codes).producer).name = node.name;
    // The real value of these codes; neighbours that stay in QDQ form round it to the same codes.
    graph_.remove_node(id);
    graph_.value(output).quant = nullptr;
    Node real;
    real.op = &require_op("", "DequantizeLinear");
    real.opset = kMaxOpset;
    real.name = result.name + "_real";
    real.inputs = {y.codes, y.scale, y.zero_point};
    real.outputs = {output};
    auto read = real.op->attrs.read({}, kMaxOpset);
    real.attrs = std::move(*read);
    graph_.add_node(std::move(real));
    // A neighbour that takes codes gets these without a way through real numbers.
    ports_[output] = y;
    return {};
  }

  Graph& graph_;
  std::map<ValueId, Port> ports_;
};

}  // namespace

Status to_integer_nodes(Graph& graph) { return Integer(graph).run(); }

}  // namespace octet::quant
