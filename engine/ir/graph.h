#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/ir/attrs.h"
#include "engine/ir/type.h"

namespace octet {

struct OpDef;
class Graph;

using ValueId = uint32_t;
using NodeId = uint32_t;
/// An optional input or output that isn't there.
inline constexpr ValueId kNoValue = 0xFFFFFFFF;
inline constexpr NodeId kNoNode = 0xFFFFFFFF;

struct Use {
  NodeId node;
  size_t input;
  friend bool operator==(const Use&, const Use&) = default;
};

struct Value {
  std::string name;
  Type type;
  QuantPtr quant;                  ///< Storage when quantized; type.dtype is then the real type.
  std::optional<Tensor> constant;  ///< An initializer. With `quant`: the stored codes.
  /// Elements of a small integer tensor as far as they are known before data is (shape arithmetic).
  std::optional<std::vector<Dim>> elements;
  NodeId producer = kNoNode;
  std::vector<Use> uses;
};

struct Node {
  const OpDef* op = nullptr;
  int opset = 0;  ///< Resolved version of the operator's domain; the newest form after canonical.
  std::string name;
  std::vector<ValueId> inputs;   ///< kNoValue where an optional input is absent.
  std::vector<ValueId> outputs;  ///< kNoValue where an optional output isn't asked for.
  Attrs attrs;
  std::vector<std::shared_ptr<Graph>> bodies;  ///< Subgraphs, in the order that the op names them.
  /// The last `captures` inputs are values of enclosing graphs; they are the last inputs of each
  /// body as well.
  size_t captures = 0;

  /// "Conv 'encoder.c3'" for messages.
  std::string label() const;
  bool has_input(size_t i) const { return i < inputs.size() && inputs[i] != kNoValue; }
  bool has_output(size_t i) const { return i < outputs.size() && outputs[i] != kNoValue; }
};

/// A graph of nodes over values. Ids stay valid until the node or value is removed; nodes are kept
/// in an order in which every value is made before it is used. Use lists are kept by the mutators:
/// never write Node::inputs/outputs or Value::producer/uses directly.
class Graph {
 public:
  std::string name;
  std::vector<ValueId> inputs;

  const Value& value(ValueId id) const { return *values_[id]; }
  Value& value(ValueId id) { return *values_[id]; }
  const Node& node(NodeId id) const { return *nodes_[id]; }
  Node& node(NodeId id) { return *nodes_[id]; }
  bool alive(NodeId id) const { return id < nodes_.size() && nodes_[id] != nullptr; }
  bool alive_value(ValueId id) const { return id < values_.size() && values_[id] != nullptr; }
  /// Live nodes in execution order (a copy: mutating while walking is safe; test alive()).
  std::vector<NodeId> order() const { return order_; }
  size_t node_count() const { return order_.size(); }
  size_t value_capacity() const { return values_.size(); }
  size_t node_capacity() const { return nodes_.size(); }

  const std::vector<ValueId>& outputs() const { return outputs_; }
  void set_outputs(std::vector<ValueId> ids) { outputs_ = std::move(ids); }
  void replace_output(size_t i, ValueId id) { outputs_[i] = id; }
  bool is_output(ValueId id) const;
  bool is_input(ValueId id) const;

  ValueId add_value(std::string value_name, Type type = {});
  ValueId add_input(std::string value_name, Type type);
  ValueId add_constant(std::string value_name, Tensor tensor, QuantPtr quant = nullptr);
  /// Appends `node` (its outputs have no producer yet), or inserts it before `before`.
  NodeId add_node(Node node, NodeId before = kNoNode);
  /// The usual short form: one output of a new value, typed later by inference.
  ValueId add_op(const OpDef& op, std::vector<ValueId> node_inputs, Attrs attrs,
                 const std::string& output_name, NodeId before = kNoNode);
  void set_input(NodeId id, size_t i, ValueId value);
  void append_input(NodeId id, ValueId value);
  void resize_inputs(NodeId id, size_t count);  ///< Drops the inputs from `count` on.
  void set_output(NodeId id, size_t i, ValueId value);
  void append_output(NodeId id, ValueId value);
  /// All uses of `from` (graph outputs included) become uses of `to`.
  void replace_uses(ValueId from, ValueId to);
  /// Removes the node; its outputs stay as values without a producer.
  void remove_node(NodeId id);
  /// Removes a value that has no producer and no uses and is no input or output.
  void remove_value(ValueId id);
  /// Orders nodes by their values; false when there is a cycle (the order is then unchanged).
  bool sort();
  /// Makes a name that no value of this graph has, from `base`.
  std::string unique_name(const std::string& base) const;
  /// The value's name, for the one that takes its place: this one gets another. Inputs and outputs
  /// keep theirs, and the successor gets a name like it.
  std::string take_name(ValueId id);

  /// True when the value is used exactly once, by a node, and is no graph output.
  bool single_use(ValueId id) const;
  const Tensor* constant(ValueId id) const {
    return id != kNoValue && values_[id]->constant ? &*values_[id]->constant : nullptr;
  }
  std::shared_ptr<Graph> clone() const;  ///< Deep for the structure, bodies included; shares bytes.

 private:
  void add_use(ValueId value, Use use);
  void drop_use(ValueId value, Use use);

  std::vector<std::unique_ptr<Value>> values_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<NodeId> order_;
  std::vector<ValueId> outputs_;
};

/// A model as loaded: the main graph and what the file says about itself.
struct Model {
  std::shared_ptr<Graph> graph;
  int64_t ir_version = 10;
  std::map<std::string, int, std::less<>> opsets;  ///< Domain ("" for ai.onnx) → version.
  std::map<std::string, std::string, std::less<>> metadata;  ///< metadata_props.
  std::string producer;
  std::string doc;
};

}  // namespace octet
