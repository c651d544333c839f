#include "engine/quant/static.h"

#include "engine/ir/stop.h"
#include "engine/quant/observer.h"
#include "engine/quant/select.h"
#include "engine/quant/weights.h"

namespace octet::quant {
namespace {

using Role = PortQuant::Role;

// The output port that makes this value in a range known without data (softmax, sigmoid).
std::optional<PortQuant> fixed_port(const Graph& graph, ValueId id) {
  const NodeId producer = graph.value(id).producer;
  if (producer == kNoNode) return std::nullopt;
  const Node& node = graph.node(producer);
  const QuantSpec spec = spec_of(graph, node);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const PortQuant port = port_of(spec.outputs, i);
    if (node.outputs[i] == id && port.role == Role::fixed) return port;
  }
  return std::nullopt;
}

// The given ones, anchors that read a value without a known range, and those that a tool left out
// of its layers where nothing was observed.
Floats left_in_float(const Graph& graph, const Selection& selection, const Known& known) {
  Floats floats = known.floats;
  const bool by_layer = !known.layers.nodes.empty() && known.observations.samples() == 0;
  for (const NodeId id : selection.anchors)
    if (by_layer && known.layers.nodes.count(id) == 0)
      floats.emplace(id, "no layer of the given ranges, and nothing was observed");
  std::set<ValueId> roots;
  for (const auto& [id, uses] : selection.wanted)
    if (graph.constant(id) != nullptr || known.layers.ranges.count(id) > 0 ||
        known.observations.range(graph.value(id).name) != nullptr || fixed_port(graph, id))
      roots.insert(selection.root(id));
  for (const auto& [id, uses] : selection.wanted) {
    if (roots.count(selection.root(id)) > 0) continue;
    for (const Use& use : uses)
      if (selection.anchors.count(use.node) > 0)
        floats.try_emplace(use.node, "no range is known of '" + graph.value(id).name + "'");
  }
  return floats;
}

class Static {
 public:
  Static(Graph& graph, const QuantizeOptions& options, Selection selection, const Known& known)
      : graph_(graph), options_(options), selection_(std::move(selection)), known_(known) {}

  Result<Report> run() {
    OCTET_RETURN_IF_ERROR(choose_types());
    quantize_activations();
    for (const NodeId id : selection_.anchors) {
      OCTET_RETURN_IF_ERROR(check_stop());
      if (auto status = quantize_constants(id); !status)
        return std::move(status).error().in(graph_.node(id).label());
    }
    return Report{std::move(selection_.report), 0};
  }

 private:
  QuantPtr make_type(Scale scale, ZeroPoint zero_point) const {
    auto quant = std::make_shared<QuantType>();
    quant->storage = options_.activations;
    quant->scale = Tensor::scalar(scale.v);
    quant->zero_point = zero_point_tensor(zero_point);
    return quant;
  }

  Tensor zero_point_tensor(ZeroPoint zero_point) const {
    const int32_t v = zero_point.v;
    switch (options_.activations) {
      case DType::s8: return Tensor::scalar(static_cast<int8_t>(v));
      case DType::u16: return Tensor::scalar(static_cast<uint16_t>(v));
      case DType::s16: return Tensor::scalar(static_cast<int16_t>(v));
      default: return Tensor::scalar(static_cast<uint8_t>(v));
    }
  }

  // The u8 range of the rule in the codes that were asked for.
  QuantPtr make_fixed(const PortQuant& port) const {
    const auto finer = static_cast<int32_t>(levels_of(options_.activations) / 256);
    const auto lowest = static_cast<int32_t>(lowest_code(options_.activations));
    return make_type({port.scale.v / static_cast<float>(finer)},
                     {port.zero_point.v * finer + lowest});
  }

  // What a tool said of a value, or the calibrator's choice.
  std::optional<Range> range_of(ValueId id) const {
    if (const auto given = known_.layers.ranges.find(id); given != known_.layers.ranges.end())
      return given->second;
    Observer table;
    const Observer* observer = known_.observations.range(graph_.value(id).name);
    if (const Tensor* constant = graph_.constant(id)) {
      table.add(constant->as<float>());
      observer = &table;
    }
    if (observer == nullptr || !observer->seen()) return std::nullopt;
    return choose_range(*observer, options_.calibrator, levels_of(options_.activations));
  }

  // The range of each group of values that share parameters.
  std::map<ValueId, Range> group_ranges() const {
    std::map<ValueId, Range> ranges;
    for (const auto& [id, uses] : selection_.wanted) {
      const auto range = range_of(id);
      if (!range) continue;
      const auto [merged, first] = ranges.try_emplace(selection_.root(id), *range);
      if (first) continue;
      merged->second.low = std::min(merged->second.low, range->low);
      merged->second.high = std::max(merged->second.high, range->high);
    }
    return ranges;
  }

  Status choose_types() {
    const auto ranges = group_ranges();
    for (const auto& [id, uses] : selection_.wanted) {
      const ValueId root = selection_.root(id);
      const auto range = ranges.find(root);
      if (const auto fixed = fixed_port(graph_, id); fixed) {
        types_[root] = make_fixed(*fixed);
      } else if (range != ranges.end() && types_.count(root) == 0) {
        auto affine = choose_affine(range->second, options_.activations);
        if (!affine) return std::move(affine).error().in("value '" + graph_.value(id).name + "'");
        types_[root] = make_type(affine->scale, affine->zero_point);
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
    const ValueId stored =
        graph_.add_constant(graph_.take_name(id), table_codes(table, *type), type);
    for (const Use& use : uses) graph_.set_input(use.node, use.input, stored);
  }

  static Tensor table_codes(const Tensor& table, const QuantType& type) {
    switch (type.storage) {
      case DType::s8: return codes_of<int8_t>(table, type);
      case DType::u16: return codes_of<uint16_t>(table, type);
      case DType::s16: return codes_of<int16_t>(table, type);
      default: return codes_of<uint8_t>(table, type);
    }
  }

  template <typename T>
  static Tensor codes_of(const Tensor& table, const QuantType& type) {
    std::vector<T> codes;
    codes.reserve(table.count());
    for (const float v : table.as<float>())
      codes.push_back(octet::quantize<T>(v, type.tensor_scale(), type.tensor_zero_point()));
    return Tensor::of(table.dims(), codes);
  }

  Status quantize_constants(NodeId id) {
    const QuantSpec spec = spec_of(graph_, graph_.node(id));
    for (size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
      const PortQuant port = port_of(spec.inputs, i);
      const ValueId value = graph_.node(id).has_input(i) ? graph_.node(id).inputs[i] : kNoValue;
      if (port.role != Role::weight || value == kNoValue || graph_.constant(value) == nullptr)
        continue;
      OCTET_ASSIGN(const ValueId codes, quantized_weight({id, i}, port.axis));
      graph_.set_input(id, i, codes);
    }
    return {};
  }

  Result<QuantizedTensor> codes_of_weight(Use use, int axis) const {
    if (known_.rounded != nullptr) {
      const Value& rounded =
          known_.rounded->value(known_.rounded->node(use.node).inputs[use.input]);
      return QuantizedTensor{*rounded.constant, rounded.quant};
    }
    const ValueId value = graph_.node(use.node).inputs[use.input];
    const Tensor& real = *graph_.constant(value);
    const auto layer = known_.layers.weights.find(value);
    return layer == known_.layers.weights.end() ? quantize_weights(real, axis)
                                                : quantize_as(real, layer->second, axis);
  }

  Result<ValueId> quantized_weight(Use use, int axis) {
    const ValueId value = graph_.node(use.node).inputs[use.input];
    const auto known = weights_.find({value, axis});
    if (known != weights_.end()) return known->second;
    OCTET_ASSIGN(const QuantizedTensor weight, codes_of_weight(use, axis));
    const ValueId codes = graph_.add_constant(graph_.take_name(value), weight.codes, weight.quant);
    weights_[{value, axis}] = codes;
    return codes;
  }

  Graph& graph_;
  const QuantizeOptions& options_;
  Selection selection_;
  Known known_;
  std::map<ValueId, QuantPtr> types_;  // by group root
  std::map<std::pair<ValueId, int>, ValueId> weights_;
};

}  // namespace

void want_ranges(const Graph& graph, const QuantizeOptions& options, Observations& observations) {
  for (const auto& [id, uses] : select(graph, options).wanted)
    if (!graph.value(id).constant) observations.want_range(graph.value(id).name);
}

Result<Report> quantize_static(Graph& graph, const QuantizeOptions& options, const Known& known) {
  Selection selection = select(graph, options, known.floats);
  const Floats floats = left_in_float(graph, selection, known);
  if (floats.size() > known.floats.size()) selection = select(graph, options, floats);
  return Static(graph, options, std::move(selection), known).run();
}

Status quantize_embeddings(Graph& graph, const QuantizeOptions& options, const Floats& floats,
                           Report& report) {
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
    if (const auto left = floats.find(id); left != floats.end()) {
      report.nodes.push_back({id, node.name, "Gather", "float", left->second});
      continue;
    }
    if (done.count(table) == 0) {
      OCTET_ASSIGN(const QuantizedTensor rows, quantize_weights(*tensor, 0));
      done[table] = graph.add_constant(graph.take_name(table), rows.codes, rows.quant);
    }
    graph.set_input(id, 0, done[table]);
    report.nodes.push_back({id, node.name, "Gather", "int8", "rows are stored in int8"});
  }
  return {};
}

}  // namespace octet::quant
