#include <doctest/doctest.h>

#include "importers/onnx/write.h"
#include "tests/importers/proto_builder.h"
#include "tests/importers/run_model.h"

namespace octet::testing {
namespace {

GraphProto& add_body(NodeProto& node, const std::string& name) {
  GraphProto& body = *add_attribute(node, name, AttributeProto::GRAPH).mutable_g();
  body.set_name(name);
  return body;
}

void add_typed(GraphProto& body, bool output, const std::string& name, TensorProto::DataType type) {
  ValueInfoProto& info = output ? *body.add_output() : *body.add_input();
  info.set_name(name);
  info.mutable_type()->mutable_tensor_type()->set_elem_type(type);
}

TensorProto number(const std::string& name, int64_t value) {
  TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_int64_data(value);
  return tensor;
}

// y = go ? x + w : (go ? x : -x), through an If within the else branch; w and x are captured.
ModelProto conditional_model() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  set_info(*graph.add_input(), "go", {}, TensorProto::BOOL);
  *graph.add_initializer() = floats("w", {4}, {10, 20, 30, 40});
  NodeProto& outer = add_node(graph, "If", {"go"}, {"y"});
  GraphProto& taken = add_body(outer, "then_branch");
  add_node(taken, "Add", {"x", "w"}, {"sum"});
  add_typed(taken, true, "sum", TensorProto::FLOAT);
  GraphProto& otherwise = add_body(outer, "else_branch");
  NodeProto& inner = add_node(otherwise, "If", {"go"}, {"deep"});
  GraphProto& same = add_body(inner, "then_branch");
  add_node(same, "Identity", {"x"}, {"copy"});
  add_typed(same, true, "copy", TensorProto::FLOAT);
  GraphProto& negative = add_body(inner, "else_branch");
  add_node(negative, "Neg", {"x"}, {"minus"});
  add_typed(negative, true, "minus", TensorProto::FLOAT);
  add_typed(otherwise, true, "deep", TensorProto::FLOAT);
  return model;
}

// y = x + 3 * step, each iteration adding the captured `step`; `each` stacks the states.
ModelProto loop_model() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  set_info(*graph.add_input(), "step", {"4"});
  *graph.add_initializer() = number("trips", 3);
  NodeProto& loop = add_node(graph, "Loop", {"trips", "", "x"}, {"y", "each"});
  GraphProto& body = add_body(loop, "body");
  add_typed(body, false, "i", TensorProto::INT64);
  add_typed(body, false, "go_on", TensorProto::BOOL);
  add_typed(body, false, "state", TensorProto::FLOAT);
  add_node(body, "Identity", {"go_on"}, {"go_on_too"});
  add_node(body, "Add", {"state", "step"}, {"next"});
  add_node(body, "Identity", {"next"}, {"seen"});
  add_typed(body, true, "go_on_too", TensorProto::BOOL);
  add_typed(body, true, "next", TensorProto::FLOAT);
  add_typed(body, true, "seen", TensorProto::FLOAT);
  set_info(*graph.add_output(), "each", {"3", "n", "4"});
  return model;
}

// Running sums over the rows of x, scaled by the captured `gain`.
ModelProto scan_model() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  set_info(*graph.add_input(), "gain", {"1"});
  *graph.add_initializer() = floats("zero", {4}, {0, 0, 0, 0});
  NodeProto& scan = add_node(graph, "Scan", {"zero", "x"}, {"total", "y"});
  add_attribute(scan, "num_scan_inputs", AttributeProto::INT).set_i(1);
  GraphProto& body = add_body(scan, "body");
  set_info(*body.add_input(), "sum", {"4"});
  set_info(*body.add_input(), "row", {"4"});
  add_node(body, "Mul", {"row", "gain"}, {"scaled"});
  add_node(body, "Add", {"sum", "scaled"}, {"next"});
  add_node(body, "Identity", {"next"}, {"shown"});
  set_info(*body.add_output(), "next", {"4"});
  set_info(*body.add_output(), "shown", {"4"});
  set_info(*graph.add_output(), "total", {"4"});
  return model;
}

struct Case {
  std::string name;
  ModelProto (*make)();
  std::vector<Tensor> inputs;
  std::vector<std::vector<float>> results;
};

std::vector<Case> cases() {
  const Tensor x = float_row({1, -2, 3, -4});
  return {
      {"If, taken", conditional_model, {x, Tensor::scalar(true)}, {{11, 18, 33, 36}}},
      {"If within the other branch",
       conditional_model,
       {x, Tensor::scalar(false)},
       {{-1, 2, -3, 4}}},
      {"Loop",
       loop_model,
       {x, Tensor::of(Dims{4}, std::vector<float>{1, 10, 100, 1000})},
       {{4, 28, 303, 2996}, {2, 8, 103, 996, 3, 18, 203, 1996, 4, 28, 303, 2996}}},
      {"Scan",
       scan_model,
       {Tensor::of(Dims{2, 4}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}),
        Tensor::of(Dims{1}, std::vector<float>{2})},
       {{2, 4, 6, 8, 12, 16, 20, 24}, {12, 16, 20, 24}}},
  };
}

void check(const Model& model, const Case& c) {
  const auto outputs = run_model(model, c.inputs);
  REQUIRE(outputs.size() == c.results.size());
  for (size_t i = 0; i < outputs.size(); ++i) CHECK(outputs[i].to_float() == c.results[i]);
}

TEST_CASE("bodies see the values around them, and come back from a file that says the same") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const auto model = import_proto(c.make());
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    check(*model, c);
    const Folder folder;
    const auto path = folder.path / "again.onnx";
    const auto status = write_model(*model, path);
    REQUIRE_MESSAGE(status.ok(), status.error().message);
    const auto again = import_model(path);
    REQUIRE_MESSAGE(again.ok(), again.error().message);
    check(*again, c);
    // What is written once reads as itself: a second writing gives the same bytes.
    const auto second = folder.path / "second.onnx";
    REQUIRE(write_model(*again, second).ok());
    const auto third = import_model(second);
    REQUIRE(third.ok());
    REQUIRE(write_model(*third, folder.path / "third.onnx").ok());
    CHECK(read_file(second) == read_file(folder.path / "third.onnx"));
  }
}

TEST_CASE("a body that names what nobody makes is refused by the node around it") {
  ModelProto proto = conditional_model();
  NodeProto& node = *proto.mutable_graph()->mutable_node(0);
  node.mutable_attribute(0)->mutable_g()->mutable_node(0)->set_input(1, "nowhere");
  const auto model = import_proto(proto);
  REQUIRE(!model.ok());
  CHECK(model.error().message == "If 'If_1': Add 'Add_1': value 'nowhere' is not defined");
  proto = conditional_model();
  proto.mutable_graph()->mutable_node(0)->mutable_attribute()->RemoveLast();
  const auto bodiless = import_proto(proto);
  REQUIRE(!bodiless.ok());
  CHECK(bodiless.error().message == "If 'If_1': its subgraph 'else_branch' is missing");
}

}  // namespace
}  // namespace octet::testing
