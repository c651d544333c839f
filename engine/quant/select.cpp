#include "engine/quant/select.h"

#include <algorithm>

namespace octet::quant {
namespace {

using Role = PortQuant::Role;

class Selector {
 public:
  Selector(const Graph& graph, const QuantizeOptions& options, const Floats& floats)
      : graph_(graph), options_(options), floats_(floats) {}

  Selection run() {
    const auto order = graph_.order();
    for (const NodeId id : order) choose_anchor(id);
    for (auto at = order.rbegin(); at != order.rend(); ++at) demand(*at);
    return std::move(selection_);
  }

 private:
  void choose_anchor(NodeId id) {
    const Node& node = graph_.node(id);
    const QuantSpec spec = spec_of(graph_, node);
    if (!spec.anchor) return;
    const bool wide = dtype_bits(options_.activations) == 16;
    std::string reason = "excluded by the caller";
    if (const auto left = floats_.find(id); left != floats_.end()) {
      reason = left->second;
    } else if (!excluded(node, options_) && quantizable(graph_, node, spec, &reason)) {
      selection_.anchors.insert(id);
      reason = wide ? "activations are stored in 16 bits and weights in 8; computed in float"
                    : "integer arithmetic";
    }
    const bool taken = selection_.anchors.count(id) > 0;
    const char* outcome = wide ? "int16" : "int8";
    selection_.report.push_back(
        {id, node.name, std::string(node.op->name), taken ? outcome : "float", reason});
  }

  void want(NodeId id, size_t input) {
    const ValueId value = graph_.node(id).inputs[input];
    if (graph_.value(value).type.dtype == DType::f32)
      selection_.wanted[value].push_back({id, input});
  }

  // Every reader takes codes, and it is no result of the graph.
  bool purely_wanted(ValueId id) const {
    const auto at = selection_.wanted.find(id);
    return at != selection_.wanted.end() && !graph_.is_output(id) &&
           at->second.size() == graph_.value(id).uses.size();
  }

  void demand(NodeId id) {
    const Node& node = graph_.node(id);
    const QuantSpec spec = spec_of(graph_, node);
    if (spec.anchor) {
      if (selection_.anchors.count(id) > 0) demand_anchor(id, spec);
      return;
    }
    if (spec.outputs.empty() || excluded(node, options_)) return;
    for (const ValueId output : node.outputs)
      if (output != kNoValue && !purely_wanted(output) && absorbed_.count(output) == 0) return;
    if (spec.outputs[0].role == Role::shared) return demand_movement(id, spec);
    if (spec.outputs[0].role == Role::activation) demand_follower(id, spec);
  }

  void demand_anchor(NodeId id, const QuantSpec& spec) {
    const Node& node = graph_.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.has_input(i)) continue;
      const Role role = port_of(spec.inputs, i).role;
      const bool constant = graph_.constant(node.inputs[i]) != nullptr;
      if (role == Role::activation || (role == Role::weight && !constant)) want(id, i);
    }
  }

  void demand_movement(NodeId id, const QuantSpec& spec) {
    const Node& node = graph_.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.has_input(i) || port_of(spec.inputs, i).role == Role::real) continue;
      if (graph_.value(node.inputs[i]).type.dtype != DType::f32) return;
    }
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.has_input(i) || port_of(spec.inputs, i).role == Role::real) continue;
      want(id, i);
      for (const ValueId output : node.outputs)
        if (output != kNoValue) selection_.unite(node.inputs[i], output);
    }
  }

  std::vector<size_t> moving_inputs(const Node& node, const QuantSpec& spec) const {
    std::vector<size_t> moving;
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (node.has_input(i) && port_of(spec.inputs, i).role != Role::real &&
          graph_.constant(node.inputs[i]) == nullptr)
        moving.push_back(i);
    return moving;
  }

  // Made by an anchor, or by a chain behind one that its epilogue absorbs (bias, activation, and an
  // addition whose other operand is the residual).
  bool absorbed(ValueId id) const {
    const NodeId producer = graph_.value(id).producer;
    if (producer == kNoNode || !graph_.single_use(id)) return false;
    if (selection_.anchors.count(producer) > 0) return true;
    const Node& node = graph_.node(producer);
    const QuantSpec spec = spec_of(graph_, node);
    const bool follows = !spec.outputs.empty() && spec.outputs[0].role == Role::activation;
    if (!follows || node.outputs.size() != 1) return false;
    const auto moving = moving_inputs(node, spec);
    if (moving.size() > 1 && node.op->name != "Add") return false;
    return std::any_of(moving.begin(), moving.end(),
                       [&](size_t i) { return absorbed(node.inputs[i]); });
  }

  // Made in integers anyway: read as codes by somebody else, or behind integer arithmetic through
  // nothing but pools, movement, activations and additions of two such values.
  bool integer_made(ValueId id) const {
    if (selection_.wanted.count(id) > 0 || absorbed(id)) return true;
    const NodeId producer = graph_.value(id).producer;
    if (producer == kNoNode) return false;
    if (selection_.anchors.count(producer) > 0) return true;
    const Node& node = graph_.node(producer);
    const QuantSpec spec = spec_of(graph_, node);
    const bool follows =
        !spec.anchor && !spec.outputs.empty() &&
        (spec.outputs[0].role == Role::shared || spec.outputs[0].role == Role::activation);
    if (!follows) return false;
    const auto moving = moving_inputs(node, spec);
    const bool binary = node.op->name == "Add" && moving.size() == 2;
    const bool shared = spec.outputs[0].role == Role::shared;
    if (!shared && !binary && (moving.size() != 1 || node.op->name == "Mul")) return false;
    return std::all_of(moving.begin(), moving.end(),
                       [&](size_t i) { return integer_made(node.inputs[i]); });
  }

  void demand_follower(NodeId id, const QuantSpec& spec) {
    const Node& node = graph_.node(id);
    const auto moving = moving_inputs(node, spec);
    if (!std::all_of(moving.begin(), moving.end(),
                     [&](size_t i) { return integer_made(node.inputs[i]); }))
      return;
    // One operand may stay in the accumulator of the anchor whose epilogue takes this node.
    const auto inside = std::find_if(moving.begin(), moving.end(),
                                     [&](size_t i) { return absorbed(node.inputs[i]); });
    const bool fused = inside != moving.end() && (moving.size() == 1 || node.op->name == "Add");
    if (fused) absorbed_.insert(node.inputs[*inside]);
    for (const size_t i : moving)
      if (!fused || i != *inside) want(id, i);
  }

  std::set<ValueId> absorbed_;  // Inner values of epilogues whose result is wanted.
  const Graph& graph_;
  const QuantizeOptions& options_;
  const Floats& floats_;
  Selection selection_;
};

}  // namespace

ValueId Selection::root(ValueId id) const {
  for (auto at = group.find(id); at != group.end(); at = group.find(id)) id = at->second;
  return id;
}

void Selection::unite(ValueId a, ValueId b) {
  const ValueId x = root(a);
  const ValueId y = root(b);
  if (x != y) group[x] = y;
}

QuantSpec spec_of(const Graph& graph, const Node& node) {
  return node.op->quant == nullptr ? QuantSpec{} : node.op->quant(graph, node);
}

PortQuant port_of(const std::vector<PortQuant>& ports, size_t i) {
  if (ports.empty()) return {};
  return i < ports.size() ? ports[i] : PortQuant{};
}

bool excluded(const Node& node, const QuantizeOptions& options) {
  return std::find(options.exclude.begin(), options.exclude.end(), node.name) !=
         options.exclude.end();
}

bool quantizable(const Graph& graph, const Node& node, const QuantSpec& spec, std::string* reason) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Role role = port_of(spec.inputs, i).role;
    if (!node.has_input(i) || role == Role::real) continue;
    const Value& value = graph.value(node.inputs[i]);
    if (value.quant) {
      *reason = "is quantized already";
      return false;
    }
    if (value.type.dtype != DType::f32) {
      *reason = "input " + std::to_string(i) + " is " + std::string(dtype_name(value.type.dtype));
      return false;
    }
    if (role == Role::activation && value.constant) {
      *reason = "input " + std::to_string(i) + " is a constant";
      return false;
    }
  }
  return true;
}

Selection select(const Graph& graph, const QuantizeOptions& options, const Floats& floats) {
  return Selector(graph, options, floats).run();
}

}  // namespace octet::quant
