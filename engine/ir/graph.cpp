#include "engine/ir/graph.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/ops/op.h"

namespace octet {

std::string Node::label() const {
  return std::string(op->name) + " '" + (name.empty() ? std::string("unnamed") : name) + "'";
}

bool Graph::is_output(ValueId id) const {
  return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end();
}

bool Graph::is_input(ValueId id) const {
  return std::find(inputs.begin(), inputs.end(), id) != inputs.end();
}

ValueId Graph::add_value(std::string value_name, Type type) {
  auto value = std::make_unique<Value>();
  value->name = std::move(value_name);
  value->type = std::move(type);
  values_.push_back(std::move(value));
  return static_cast<ValueId>(values_.size() - 1);
}

ValueId Graph::add_input(std::string value_name, Type type) {
  const ValueId id = add_value(std::move(value_name), std::move(type));
  inputs.push_back(id);
  return id;
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor, QuantPtr quant) {
  const DType real = quant ? quant->real : tensor.dtype();
  const ValueId id = add_value(std::move(value_name), Type::tensor(real, to_shape(tensor.dims())));
  values_[id]->constant = std::move(tensor);
  values_[id]->quant = std::move(quant);
  return id;
}

void Graph::add_use(ValueId value, Use use) {
  if (value != kNoValue) values_[value]->uses.push_back(use);
}

void Graph::drop_use(ValueId value, Use use) {
  if (value == kNoValue) return;
  auto& uses = values_[value]->uses;
  const auto at = std::find(uses.begin(), uses.end(), use);
  if (at != uses.end()) uses.erase(at);
}

NodeId Graph::add_node(Node node, NodeId before) {
  const auto id = static_cast<NodeId>(nodes_.size());
  nodes_.push_back(std::make_unique<Node>(std::move(node)));
  const Node& added = *nodes_.back();
  for (size_t i = 0; i < added.inputs.size(); ++i) add_use(added.inputs[i], {id, i});
  for (const ValueId output : added.outputs)
    if (output != kNoValue) values_[output]->producer = id;
  const auto at =
      before == kNoNode ? order_.end() : std::find(order_.begin(), order_.end(), before);
  order_.insert(at, id);
  return id;
}

ValueId Graph::add_op(const OpDef& op, std::vector<ValueId> node_inputs, Attrs attrs,
                      const std::string& output_name, NodeId before) {
  const ValueId output = add_value(unique_name(output_name));
  Node node;
  node.op = &op;
  node.opset = op.since;
  node.name = values_[output]->name;
  node.inputs = std::move(node_inputs);
  node.outputs = {output};
  node.attrs = std::move(attrs);
  add_node(std::move(node), before);
  return output;
}

void Graph::set_input(NodeId id, size_t i, ValueId value) {
  Node& node = *nodes_[id];
  drop_use(node.inputs[i], {id, i});
  node.inputs[i] = value;
  add_use(value, {id, i});
}

void Graph::append_input(NodeId id, ValueId value) {
  nodes_[id]->inputs.push_back(kNoValue);
  set_input(id, nodes_[id]->inputs.size() - 1, value);
}

void Graph::resize_inputs(NodeId id, size_t count) {
  Node& node = *nodes_[id];
  while (node.inputs.size() > count) {
    drop_use(node.inputs.back(), {id, node.inputs.size() - 1});
    node.inputs.pop_back();
  }
}

void Graph::set_output(NodeId id, size_t i, ValueId value) {
  Node& node = *nodes_[id];
  const ValueId old = node.outputs[i];
  if (old != kNoValue && values_[old]->producer == id) values_[old]->producer = kNoNode;
  node.outputs[i] = value;
  if (value != kNoValue) values_[value]->producer = id;
}

void Graph::append_output(NodeId id, ValueId value) {
  nodes_[id]->outputs.push_back(kNoValue);
  set_output(id, nodes_[id]->outputs.size() - 1, value);
}

void Graph::replace_uses(ValueId from, ValueId to) {
  const auto uses = values_[from]->uses;
  for (const Use& use : uses) set_input(use.node, use.input, to);
  for (ValueId& output : outputs_)
    if (output == from) output = to;
}

void Graph::remove_node(NodeId id) {
  Node& node = *nodes_[id];
  for (size_t i = 0; i < node.inputs.size(); ++i) drop_use(node.inputs[i], {id, i});
  for (const ValueId output : node.outputs)
    if (output != kNoValue && values_[output]->producer == id) values_[output]->producer = kNoNode;
  order_.erase(std::find(order_.begin(), order_.end(), id));
  nodes_[id].reset();
}

void Graph::remove_value(ValueId id) { values_[id].reset(); }

bool Graph::sort() {
  std::vector<size_t> missing(nodes_.size(), 0);
  std::set<std::pair<size_t, NodeId>> ready;  // by present position, so that the sort is stable
  std::vector<size_t> position(nodes_.size(), 0);
  for (size_t i = 0; i < order_.size(); ++i) position[order_[i]] = i;
  for (const NodeId id : order_) {
    for (const ValueId input : nodes_[id]->inputs)
      if (input != kNoValue && values_[input]->producer != kNoNode) ++missing[id];
    if (missing[id] == 0) ready.insert({position[id], id});
  }
  std::vector<NodeId> sorted;
  while (!ready.empty()) {
    const NodeId id = ready.begin()->second;
    ready.erase(ready.begin());
    sorted.push_back(id);
    for (const ValueId output : nodes_[id]->outputs) {
      if (output == kNoValue) continue;
      for (const Use& use : values_[output]->uses)
        if (--missing[use.node] == 0) ready.insert({position[use.node], use.node});
    }
  }
  if (sorted.size() != order_.size()) return false;
  order_ = std::move(sorted);
  return true;
}

std::string Graph::take_name(ValueId id) {
  std::string& own = values_[id]->name;
  std::string other = unique_name(own + "_replaced");
  return is_input(id) || is_output(id) ? other : std::exchange(own, std::move(other));
}

std::string Graph::unique_name(const std::string& base) const {
  const auto taken = [this](const std::string& candidate) {
    return std::any_of(values_.begin(), values_.end(),
                       [&](const auto& v) { return v && v->name == candidate; });
  };
  if (!taken(base)) return base;
  // The number of values only grows, so the first try nearly always holds.
  for (size_t i = values_.size();; ++i) {
    std::string candidate = base + "_" + std::to_string(i);
    if (!taken(candidate)) return candidate;
  }
}

bool Graph::single_use(ValueId id) const { return values_[id]->uses.size() == 1 && !is_output(id); }

std::shared_ptr<Graph> Graph::clone() const {
  auto copy = std::make_shared<Graph>();
  copy->name = name;
  copy->inputs = inputs;
  copy->outputs_ = outputs_;
  copy->order_ = order_;
  for (const auto& value : values_)
    copy->values_.push_back(value ? std::make_unique<Value>(*value) : nullptr);
  for (const auto& node : nodes_) {
    copy->nodes_.push_back(node ? std::make_unique<Node>(*node) : nullptr);
    if (!node) continue;
    for (auto& body : copy->nodes_.back()->bodies) body = body->clone();
  }
  return copy;
}

}  // namespace octet
