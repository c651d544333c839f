#pragma once

#include "tests/importers/proto_builder.h"

namespace octet::testing {

/// y = MatMul(Relu(MatMul(x, w)), w) of x [n, 4]: loads, runs and quantizes fast.
inline ModelProto small_network() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  std::vector<float> weights(16);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 5) - 2.0F;
  *graph.add_initializer() = floats("w", {4, 4}, weights);
  add_node(graph, "MatMul", {"x", "w"}, {"a"});
  add_node(graph, "Relu", {"a"}, {"b"});
  add_node(graph, "MatMul", {"b", "w"}, {"y"});
  return model;
}

/// y = x + the largest element of a constant that takes minutes to fold: 200 products of 1024^3.
inline ModelProto long_folding() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  std::vector<float> ones(size_t{1} << 20, 1.0F);
  *graph.add_initializer() = floats("a", {1 << 10, 1 << 10}, ones);
  std::string from = "a";
  for (int i = 0; i < 200; ++i) {
    const std::string to = "p" + std::to_string(i);
    add_node(graph, "MatMul", {from, "a"}, {to});
    from = to;
  }
  *graph.add_initializer() = int64_tensor("axes", {2}, {0, 1});
  add_node(graph, "ReduceMax", {from, "axes"}, {"m"});
  add_node(graph, "Add", {"x", "m"}, {"y"});
  model.mutable_graph()->mutable_output(0)->clear_type();
  return model;
}

/// y [4096, 4096] of x [n, 4]: 2^40 rounds of a product of 4096^3.
inline ModelProto long_loop() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  *graph.add_initializer() = floats("w", {4096, 4096}, std::vector<float>(size_t{1} << 24, 0.5F));
  *graph.add_initializer() = int64_tensor("trips", {}, {int64_t{1} << 40});
  NodeProto& loop = add_node(graph, "Loop", {"trips", "", "w"}, {"y"});
  GraphProto& body = *add_attribute(loop, "body", AttributeProto::GRAPH).mutable_g();
  set_info(*body.add_input(), "i", {}, TensorProto::INT64);
  set_info(*body.add_input(), "go", {}, TensorProto::BOOL);
  set_info(*body.add_input(), "s", {"4096", "4096"});
  add_node(body, "Identity", {"go"}, {"more"});
  add_node(body, "MatMul", {"s", "w"}, {"t"});
  set_info(*body.add_output(), "more", {}, TensorProto::BOOL);
  set_info(*body.add_output(), "t", {"4096", "4096"});
  model.mutable_graph()->mutable_output(0)->clear_type();
  return model;
}

/// y of one node whose inputs are tensors that the run makes of x [n, 4], all of one value.
class LongNode {
 public:
  explicit LongNode(const std::string& op) {
    graph().mutable_output(0)->clear_type();
    NodeProto& largest = add_node(graph(), "ReduceMax", {"x"}, {"largest"});
    add_attribute(largest, "keepdims", AttributeProto::INT).set_i(0);
    node_.set_op_type(op);
    node_.add_output("y");
  }
  LongNode& input(const std::vector<int64_t>& dims) {
    const std::string name = "big" + std::to_string(node_.input_size());
    *graph().add_initializer() =
        int64_tensor(name + "_dims", {static_cast<int64_t>(dims.size())}, dims);
    add_node(graph(), "Expand", {"largest", name + "_dims"}, {name});
    node_.add_input(name);
    return *this;
  }
  LongNode& constant(const std::vector<int64_t>& dims, const std::vector<int64_t>& values) {
    const std::string name = "c" + std::to_string(node_.input_size());
    *graph().add_initializer() = int64_tensor(name, dims, values);
    node_.add_input(name);
    return *this;
  }
  NodeProto& node() { return node_; }
  ModelProto model() {
    *graph().add_node() = node_;
    return model_;
  }

 private:
  GraphProto& graph() { return *model_.mutable_graph(); }
  ModelProto model_ = empty_model();
  NodeProto node_;
};

}  // namespace octet::testing
