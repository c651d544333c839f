#include "engine/ops/dynamic_quantize_linear.h"
#include "engine/quant/select.h"
#include "engine/quant/static.h"
#include "engine/quant/weights.h"

namespace octet::quant {
namespace {

using Role = PortQuant::Role;

// A value quantized while running: codes, scale, zero point (DynamicQuantizeLinear's outputs).
struct Codes {
  ValueId codes = kNoValue;
  ValueId scale = kNoValue;
  ValueId zero_point = kNoValue;
};

class Dynamic {
 public:
  Dynamic(Graph& graph, const QuantizeOptions& options, const Floats& floats)
      : graph_(graph), options_(options), floats_(floats) {}

  Result<Report> run() {
    Report report;
    for (const NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      const QuantSpec spec = spec_of(graph_, node);
      if (!spec.anchor || node.op->name == "Gather") continue;  // Tables are taken afterwards.
      NodeReport row{id, node.name, std::string(node.op->name), "float", "excluded by the caller"};
      if (const auto left = floats_.find(id); left != floats_.end()) {
        row.reason = left->second;
      } else if (!excluded(node, options_) && quantizable(graph_, node, spec, &row.reason)) {
        const ValueId activation = node.inputs[0];
        const bool product = node.op->name == "MatMul" || node.op->name == "Gemm";
        OCTET_ASSIGN(const bool done, rewrite(id, row.reason));
        if (done) row.outcome = "int8";
        if (done && product) products_.emplace_back(report.nodes.size(), activation);
      }
      report.nodes.push_back(std::move(row));
    }
    if (!graph_.sort()) return invalid_model("dynamic quantization made a cycle");
    if (options_.row_scales) take_row_scales(report);
    return report;
  }

 private:
  // The hint, and which nodes it is for: products with weights whose codes nothing else reads.
  void take_row_scales(Report& report) {
    ops::set_row_scales(graph_);
    for (const auto& [row, activation] : products_) {
      const auto& shape = graph_.value(activation).type.shape;
      const auto& uses = graph_.value(codes_.at(activation).codes).uses;
      const bool weights = std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
        const Node& node = graph_.node(use.node);
        return node.op->name == "MatMulInteger" && use.input == 0 &&
               graph_.constant(node.inputs[1]) != nullptr;
      });
      if (weights && shape && shape->size() > 1)
        report.nodes[row].reason =
            "integer arithmetic, activations quantized by rows while running";
    }
  }

  Result<bool> rewrite(NodeId id, std::string& reason) {
    const std::string_view name = graph_.node(id).op->name;
    reason = "integer arithmetic, activations quantized while running";
    if (name == "MatMul") return rewrite_matmul(id, reason);
    if (name == "Gemm") return rewrite_gemm(id, reason);
    if (name == "Conv") return rewrite_conv(id, reason);
    if (name == "LSTM" || name == "GRU") return rewrite_recurrent(id);
    reason = "ONNX has no dynamic form of " + std::string(name);
    return false;
  }

  ValueId add(std::string_view op, std::vector<ValueId> inputs, const std::string& base,
              const char* suffix, const AttrMap& attrs = {}) {
    const OpDef& def = require_op("", op);
    auto read = def.attrs.read(attrs, kMaxOpset);
    assert(read.ok());
    const ValueId value =
        graph_.add_op(def, std::move(inputs), std::move(*read), base + "/" + suffix);
    graph_.node(graph_.value(value).producer).opset = kMaxOpset;
    return value;
  }

  ValueId constant(const std::string& name, Tensor tensor) {
    return graph_.add_constant(graph_.unique_name(name), std::move(tensor));
  }

  const Codes& quantized(ValueId activation) {
    Codes& codes = codes_[activation];
    if (codes.codes != kNoValue) return codes;
    const std::string base = graph_.value(activation).name;
    codes.codes = add("DynamicQuantizeLinear", {activation}, base, "codes");
    codes.scale = graph_.add_value(graph_.unique_name(base + "/scale"));
    codes.zero_point = graph_.add_value(graph_.unique_name(base + "/zero_point"));
    const NodeId producer = graph_.value(codes.codes).producer;
    graph_.append_output(producer, codes.scale);
    graph_.append_output(producer, codes.zero_point);
    return codes;
  }

  // accumulator * (activation scale * weight scale), then the node's old output takes over.
  ValueId scaled(ValueId accumulator, ValueId a_scale, ValueId b_scale, const std::string& base) {
    const ValueId real = add("Cast", {accumulator}, base, "real", {{"to", int64_t{1}}});
    const ValueId factor = add("Mul", {a_scale, b_scale}, base, "factor");
    return add("Mul", {real, factor}, base, "scaled");
  }

  void finish(NodeId id, ValueId result) {
    const ValueId output = graph_.node(id).outputs[0];
    const NodeId last = graph_.value(result).producer;
    graph_.remove_node(id);
    graph_.set_output(last, 0, output);
  }

  Result<bool> rewrite_matmul(NodeId id, std::string& reason) {
    const Node node = graph_.node(id);
    const std::string base = node.name.empty() ? "MatMul" : node.name;
    const Tensor* weight = graph_.constant(node.inputs[1]);
    if (graph_.constant(node.inputs[0]) != nullptr || (weight != nullptr && weight->rank() != 2)) {
      reason = "an operand is a constant of another form than a weight matrix";
      return false;
    }
    const Codes a = quantized(node.inputs[0]);
    ValueId accumulator = kNoValue;
    ValueId b_scale = kNoValue;
    if (weight != nullptr) {
      OCTET_ASSIGN(const QuantizedTensor b, weights_of(node.inputs[1], 1));
      accumulator = add("MatMulInteger", {a.codes, codes_constant(node.inputs[1], b), a.zero_point},
                        base, "integer");
      b_scale = constant(base + "/weight_scale", b.quant->scale);
    } else {
      const Codes b = quantized(node.inputs[1]);
      accumulator =
          add("MatMulInteger", {a.codes, b.codes, a.zero_point, b.zero_point}, base, "integer");
      b_scale = b.scale;
    }
    finish(id, scaled(accumulator, a.scale, b_scale, base));
    return true;
  }

  Result<bool> rewrite_gemm(NodeId id, std::string& reason) {
    const Node node = graph_.node(id);
    const AttrMap attrs = node.op->attrs.write(node.attrs, kMaxOpset);
    const Tensor* weight = graph_.constant(node.inputs[1]);
    const bool plain = attrs.count("alpha") == 0 && attrs.count("beta") == 0 &&
                       attrs.count("transA") == 0 && weight != nullptr;
    if (!plain) {
      reason = "only A B + C with a constant B has a dynamic form";
      return false;
    }
    const std::string base = node.name.empty() ? "Gemm" : node.name;
    const bool transposed = attrs.count("transB") > 0;
    OCTET_ASSIGN(const QuantizedTensor b, gemm_weights(node.inputs[1], *weight, transposed));
    const Codes a = quantized(node.inputs[0]);
    const ValueId accumulator =
        add("MatMulInteger", {a.codes, codes_constant(node.inputs[1], b, transposed), a.zero_point},
            base, "integer");
    ValueId result =
        scaled(accumulator, a.scale, constant(base + "/weight_scale", b.quant->scale), base);
    if (node.has_input(2)) result = add("Add", {result, node.inputs[2]}, base, "biased");
    finish(id, result);
    return true;
  }

  Result<QuantizedTensor> gemm_weights(ValueId value, const Tensor& weight, bool transposed) {
    if (!transposed) return weights_of(value, 1);
    const Dims dims{weight.dims()[1], weight.dims()[0]};
    OCTET_ASSIGN(Tensor swapped, Tensor::zeros(DType::f32, dims));
    const auto rows = static_cast<size_t>(dims[0]);
    const auto columns = static_cast<size_t>(dims[1]);
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < columns; ++c)
        swapped.writable_as<float>()[r * columns + c] = weight.as<float>()[c * rows + r];
    return quantize_weights(swapped, 1);
  }

  Result<bool> rewrite_conv(NodeId id, std::string& reason) {
    const Node node = graph_.node(id);
    const Tensor* weight = graph_.constant(node.inputs[1]);
    if (weight == nullptr) {
      reason = "the weights are no constant";
      return false;
    }
    const std::string base = node.name.empty() ? "Conv" : node.name;
    OCTET_ASSIGN(const QuantizedTensor w, weights_of(node.inputs[1], 0));
    const Codes x = quantized(node.inputs[0]);
    const ValueId accumulator =
        add("ConvInteger", {x.codes, codes_constant(node.inputs[1], w), x.zero_point}, base,
            "integer", node.op->attrs.write(node.attrs, kMaxOpset));
    Dims column(weight->rank(), 1);
    column[1] = weight->dims()[0];
    const ValueId w_scale = constant(base + "/weight_scale", w.quant->scale.reshaped(column));
    ValueId result = scaled(accumulator, x.scale, w_scale, base);
    if (node.has_input(2)) {
      const Tensor* bias = graph_.constant(node.inputs[2]);
      if (bias == nullptr) return invalid_model("the bias is no constant");
      result =
          add("Add", {result, constant(base + "/bias", bias->reshaped(column))}, base, "biased");
    }
    finish(id, result);
    return true;
  }

  // X through DynamicQuantizeLinear and DequantizeLinear; W and R as quantized constants.
  Result<bool> rewrite_recurrent(NodeId id) {
    const Node node = graph_.node(id);
    for (const size_t i : {size_t{1}, size_t{2}}) {
      if (graph_.constant(node.inputs[i]) == nullptr) return false;
      const auto known = recurrent_.find(node.inputs[i]);
      if (known == recurrent_.end()) {
        OCTET_ASSIGN(const QuantizedTensor w, weights_of(node.inputs[i], 1));
        recurrent_[node.inputs[i]] = graph_.add_constant(
            graph_.unique_name(graph_.value(node.inputs[i]).name + "_int8"), w.codes, w.quant);
      }
      graph_.set_input(id, i, recurrent_[node.inputs[i]]);
    }
    const Codes x = quantized(node.inputs[0]);
    const ValueId real = add("DequantizeLinear", {x.codes, x.scale, x.zero_point},
                             graph_.value(node.inputs[0]).name, "rounded");
    graph_.set_input(id, 0, real);
    return true;
  }

  Result<QuantizedTensor> weights_of(ValueId value, int axis) {
    return quantize_weights(*graph_.constant(value), axis);
  }

  // A tensor of s8 codes as such: MatMulInteger and ConvInteger take codes, not a quantized type.
  ValueId codes_constant(ValueId original, const QuantizedTensor& weight, bool transposed = false) {
    const auto [at, added] = weight_codes_.try_emplace({original, transposed}, kNoValue);
    if (added) at->second = constant(graph_.value(original).name + "_int8", weight.codes);
    return at->second;
  }

  Graph& graph_;
  const QuantizeOptions& options_;
  const Floats& floats_;
  std::map<ValueId, Codes> codes_;
  std::vector<std::pair<size_t, ValueId>> products_;  // rows of the report, and what they multiply
  std::map<ValueId, ValueId> recurrent_;
  std::map<std::pair<ValueId, bool>, ValueId> weight_codes_;
};

}  // namespace

Result<Report> quantize_dynamic(Graph& graph, const QuantizeOptions& options,
                                const Floats& floats) {
  return Dynamic(graph, options, floats).run();
}

}  // namespace octet::quant
