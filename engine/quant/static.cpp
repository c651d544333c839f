#include "engine/quant/static.h"

#include "engine/quant/observer.h"
#include "engine/quant/select.h"
#include "engine/quant/weights.h"

namespace octet::quant {
namespace {

using Role = PortQuant::Role;

class Static {
 public:
  Static(Graph& graph, const QuantizeOptions& options)
      : graph_(graph), options_(options), selection_(select(graph, options)) {}

  Result<Report> run(const Calibrate& calibrate) {
    Report report;
    OCTET_ASSIGN(report.samples, observe(calibrate));
    OCTET_RETURN_IF_ERROR(choose_types());
    quantize_activations();
    for (const NodeId id : selection_.anchors) {
      if (auto status = quantize_constants(id); !status)
        return std::move(status).error().in(graph_.node(id).label());
    }
    report.nodes = std::move(selection_.report);
    return report;
  }

 private:
  Result<size_t> observe(const Calibrate& calibrate) {
    std::map<std::string, ValueId, std::less<>> by_name;
    for (const auto& [id, uses] : selection_.wanted) by_name[graph_.value(id).name] = id;
    const auto sink = [&](std::string_view name, const TensorView& view) {
      const auto at = by_name.find(name);
      if (at == by_name.end() || view.dtype != DType::f32) return;
      observers_[at->second].add({view.as<float>(), static_cast<size_t>(view.count())});
    };
    return calibrate(graph_, sink);
  }

  Range range_of(const Observer& observer) const {
    return options_.calibrator == Calibrator::percentile ? observer.percentile(options_.percentile)
                                                         : observer.minmax();
  }

  static QuantPtr make_u8(Scale scale, ZeroPoint zero_point) {
    auto quant = std::make_shared<QuantType>();
    quant->storage = DType::u8;
    quant->scale = Tensor::scalar(scale.v);
    quant->zero_point = Tensor::scalar(static_cast<uint8_t>(zero_point.v));
    return quant;
  }

  // The range that the producing operator guarantees without data (softmax, sigmoid).
  std::optional<QuantPtr> fixed_type(ValueId id) const {
    const NodeId producer = graph_.value(id).producer;
    if (producer == kNoNode) return std::nullopt;
    const Node& node = graph_.node(producer);
    const QuantSpec spec = spec_of(graph_, node);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const PortQuant port = port_of(spec.outputs, i);
      if (node.outputs[i] == id && port.role == Role::fixed)
        return make_u8(port.scale, port.zero_point);
    }
    return std::nullopt;
  }

  Status choose_types() {
    std::map<ValueId, Range> ranges;
    for (const auto& [id, uses] : selection_.wanted) {
      if (const Tensor* constant = graph_.constant(id)) observers_[id].add(constant->as<float>());
      const auto at = observers_.find(id);
      if (at == observers_.end() || !at->second.finite() || !at->second.seen()) {
        if (at != observers_.end() && !at->second.finite())
          return invalid_data("calibration: value '" + graph_.value(id).name +
                              "' is infinite or not a number");
        continue;
      }
      const Range range = range_of(at->second);
      const auto [merged, first] = ranges.try_emplace(selection_.root(id), range);
      if (first) continue;
      merged->second.low = std::min(merged->second.low, range.low);
      merged->second.high = std::max(merged->second.high, range.high);
    }
    for (const auto& [id, uses] : selection_.wanted) {
      const ValueId root = selection_.root(id);
      if (const auto fixed = fixed_type(id); fixed) {
        types_[root] = *fixed;
      } else if (ranges.count(root) > 0 && types_.count(root) == 0) {
        const Affine affine = choose_u8(ranges[root]);
        types_[root] = make_u8(affine.scale, affine.zero_point);
      }
    }
    return {};
  }

  void quantize_activations() {
    for (const auto& [id, uses] : selection_.wanted) {
      const auto type = types_.find(selection_.root(id));
      if (type == types_.end()) continue;
      if (graph_.value(id).constant) {
        quantize_table(id, uses, type->second);
        continue;
      }
      const bool pure = uses.size() == graph_.value(id).uses.size() && !graph_.is_output(id) &&
                        graph_.value(id).producer != kNoNode;
      if (pure) {
        graph_.value(id).quant = type->second;
        continue;
      }
      const ValueId codes = graph_.add_value(
          graph_.unique_name(graph_.value(id).name + "_quantized"), graph_.value(id).type);
      graph_.value(codes).quant = type->second;
      for (const Use& use : uses) graph_.set_input(use.node, use.input, codes);
      Node node;
      node.op = &require_op(kOctetDomain, "Quantize");
      node.opset = 1;
      node.name = graph_.value(codes).name;
      node.attrs = Attrs::of(NoAttrs{});
      node.inputs = {id};
      node.outputs = {codes};
      graph_.add_node(std::move(node));
    }
    graph_.sort();
  }

  // A constant that is moved (sliced, transposed) on its way to an integer operator: position
  // tables.
  void quantize_table(ValueId id, const std::vector<Use>& uses, const QuantPtr& type) {
    const Tensor table = *graph_.constant(id);
    std::vector<uint8_t> codes;
    codes.reserve(table.count());
    for (const float v : table.as<float>())
      codes.push_back(octet::quantize<uint8_t>(v, type->tensor_scale(), type->tensor_zero_point()));
    const std::string name = graph_.unique_name(graph_.value(id).name + "_uint8");
    const ValueId stored = graph_.add_constant(name, Tensor::of(table.dims(), codes), type);
    for (const Use& use : uses) graph_.set_input(use.node, use.input, stored);
  }

  Status quantize_constants(NodeId id) {
    const QuantSpec spec = spec_of(graph_, graph_.node(id));
    std::optional<size_t> weight;
    for (size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
      const PortQuant port = port_of(spec.inputs, i);
      const ValueId value = graph_.node(id).has_input(i) ? graph_.node(id).inputs[i] : kNoValue;
      if (value == kNoValue || graph_.constant(value) == nullptr) continue;
      if (port.role == Role::weight) {
        OCTET_ASSIGN(const ValueId codes, quantized_weight(value, port.axis));
        graph_.set_input(id, i, codes);
        weight = i;
      } else if (port.role == Role::bias && weight && options_.format == Format::integer) {
        quantize_bias_input(id, i, *weight);
      }
    }
    return {};
  }

  Result<ValueId> quantized_weight(ValueId value, int axis) {
    const auto known = weights_.find({value, axis});
    if (known != weights_.end()) return known->second;
    OCTET_ASSIGN(const QuantizedTensor weight, quantize_weights(*graph_.constant(value), axis));
    const ValueId codes = graph_.add_constant(
        graph_.unique_name(graph_.value(value).name + "_int8"), weight.codes, weight.quant);
    weights_[{value, axis}] = codes;
    return codes;
  }

  // QDQ files keep float biases: kernels round them to the accumulator's own step, and a quantized
  // one would cost two more numbers a channel. QLinearConv wants s32.
  void quantize_bias_input(NodeId id, size_t input, size_t weight) {
    const Node& node = graph_.node(id);
    const QuantPtr& activation = graph_.value(node.inputs[0]).quant;
    const QuantPtr& weights = graph_.value(node.inputs[weight]).quant;
    if (!activation || !weights) return;
    auto bias =
        quantize_bias(*graph_.constant(node.inputs[input]), activation->tensor_scale(), *weights);
    if (!bias) return;
    const std::string name = graph_.value(node.inputs[input]).name + "_int32";
    graph_.set_input(id, input,
                     graph_.add_constant(graph_.unique_name(name), bias->codes, bias->quant));
  }

  Graph& graph_;
  const QuantizeOptions& options_;
  Selection selection_;
  std::map<ValueId, Observer> observers_;
  std::map<ValueId, QuantPtr> types_;  // by group root
  std::map<std::pair<ValueId, int>, ValueId> weights_;
};

}  // namespace

Result<Report> quantize_static(Graph& graph, const QuantizeOptions& options,
                               const Calibrate& calibrate) {
  return Static(graph, options).run(calibrate);
}

Status quantize_embeddings(Graph& graph, const QuantizeOptions& options, Report& report) {
  constexpr size_t kWorthwhile = 4096;
  std::map<ValueId, ValueId> done;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->name != "Gather" || !node.op->domain.empty() || excluded(node, options)) continue;
    const ValueId table = node.inputs[0];
    const Tensor* tensor = graph.constant(table);
    const bool plain = tensor != nullptr && !graph.value(table).quant &&
                       tensor->dtype() == DType::f32 && tensor->rank() == 2 &&
                       tensor->count() >= kWorthwhile;
    const AttrMap attrs = node.op->attrs.write(node.attrs, kMaxOpset);
    if (!plain || attrs.count("axis") > 0) continue;
    if (done.count(table) == 0) {
      OCTET_ASSIGN(const QuantizedTensor rows, quantize_weights(*tensor, 0));
      done[table] = graph.add_constant(graph.unique_name(graph.value(table).name + "_int8"),
                                       rows.codes, rows.quant);
    }
    graph.set_input(id, 0, done[table]);
    report.nodes.push_back({node.name, "Gather", "int8", "rows are stored in int8"});
  }
  return {};
}

}  // namespace octet::quant
