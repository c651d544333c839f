#include <doctest/doctest.h>

#include "engine/ops/op.h"
#include "runtime/session/program.h"

using namespace octet;
using namespace octet::runtime;

namespace {

ValueId op(Graph& graph, const char* name, std::vector<ValueId> inputs, const AttrMap& attrs = {}) {
  const OpDef& row = require_op("", name);
  return graph.add_op(row, std::move(inputs), row.attrs.read(attrs, kWrittenOpset).value(), name);
}

Type floats(std::optional<Shape> shape) { return Type::tensor(DType::f32, std::move(shape)); }

struct Body {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  ValueId input(const char* name, Type type) { return graph->add_input(name, std::move(type)); }
};

// A graph of one node with bodies; every output is a result.
std::shared_ptr<Graph> around(const char* name, const AttrMap& attrs,
                              const std::vector<Type>& inputs, std::vector<Body> bodies,
                              size_t outputs, size_t captures) {
  auto graph = std::make_shared<Graph>();
  Node node;
  node.op = &require_op("", name);
  node.opset = kWrittenOpset;
  node.name = "control";
  node.attrs = node.op->attrs.read(attrs, kWrittenOpset).value();
  for (const Type& type : inputs)
    node.inputs.push_back(graph->add_input("i" + std::to_string(node.inputs.size()), type));
  for (size_t i = 0; i < outputs; ++i)
    node.outputs.push_back(graph->add_value("o" + std::to_string(i)));
  for (const Body& body : bodies) node.bodies.push_back(body.graph);
  node.captures = captures;
  graph->set_outputs(node.outputs);
  graph->add_node(std::move(node));
  return graph;
}

Tensor row(std::vector<float> values) {
  return Tensor::of(Dims{static_cast<int64_t>(values.size())}, values);
}

std::vector<Tensor> run(const std::shared_ptr<Graph>& graph, const std::vector<Tensor>& inputs) {
  const auto program = Program::compile(graph->clone(), {});
  INFO((program.ok() ? "" : program.error().message));
  REQUIRE(program.ok());
  const auto outputs = (*program)->run(inputs);
  INFO((outputs.ok() ? "" : outputs.error().message));
  REQUIRE(outputs.ok());
  return *outputs;
}

}  // namespace

TEST_CASE("If runs one branch on captured values, whose shapes may differ") {
  Body taken;
  Body otherwise;
  const ValueId a = taken.input("x", floats(std::nullopt));
  taken.graph->set_outputs({op(*taken.graph, "Neg", {a})});
  const ValueId b = otherwise.input("x", floats(std::nullopt));
  otherwise.graph->set_outputs({op(*otherwise.graph, "Concat", {b, b}, {{"axis", int64_t{0}}})});
  const auto graph =
      around("If", {}, {Type::tensor(DType::boolean, Shape{}), floats(Shape{Dim(2)})},
             {taken, otherwise}, 1, 1);
  CHECK(run(graph, {Tensor::scalar(true), row({1, 2})})[0] == row({-1, -2}));
  CHECK(run(graph, {Tensor::scalar(false), row({1, 2})})[0] == row({1, 2, 1, 2}));
}

TEST_CASE("Loop carries state that grows, and stacks what each iteration gives") {
  Body body;
  const ValueId trip = body.input("trip", Type::tensor(DType::s64, Shape{}));
  const ValueId go_on = body.input("go_on", Type::tensor(DType::boolean, Shape{}));
  const ValueId state = body.input("state", floats(std::nullopt));
  const ValueId captured = body.input("captured", floats(std::nullopt));
  Graph& g = *body.graph;
  const ValueId grown = op(g, "Concat", {state, captured}, {{"axis", int64_t{0}}});
  g.set_outputs({go_on, grown, trip});
  const auto graph =
      around("Loop", {},
             {Type::tensor(DType::s64, Shape{}), Type::tensor(DType::boolean, Shape{}),
              floats(Shape{Dim(1)}), floats(Shape{Dim(1)})},
             {body}, 2, 1);
  const auto outputs =
      run(graph, {Tensor::scalar<int64_t>(3), Tensor::scalar(true), row({1}), row({7})});
  CHECK(outputs[0] == row({1, 7, 7, 7}));
  CHECK(outputs[1] == Tensor::of(Dims{3}, std::vector<int64_t>{0, 1, 2}));
  const auto none =
      run(graph, {Tensor::scalar<int64_t>(3), Tensor::scalar(false), row({1}), row({7})});
  CHECK(none[0] == row({1}));
  CHECK(none[1].dims() == Dims{0});
}

TEST_CASE("Scan walks an axis backwards and writes another") {
  Body body;
  const ValueId sum = body.input("sum", floats(Shape{Dim(2)}));
  const ValueId slice = body.input("slice", floats(Shape{Dim(2)}));
  Graph& g = *body.graph;
  const ValueId next = op(g, "Add", {sum, slice});
  g.set_outputs({next, op(g, "Neg", {next})});
  const auto graph =
      around("Scan",
             {{"num_scan_inputs", int64_t{1}},
              {"scan_input_axes", std::vector<int64_t>{1}},
              {"scan_input_directions", std::vector<int64_t>{1}},
              {"scan_output_axes", std::vector<int64_t>{-1}}},
             {floats(Shape{Dim(2)}), floats(Shape{Dim(2), Dim::symbol("t")})}, {body}, 2, 0);
  const Tensor x = Tensor::of(Dims{2, 3}, std::vector<float>{1, 2, 3, 10, 20, 30});
  const auto outputs = run(graph, {row({0, 0}), x});
  CHECK(outputs[0] == row({6, 60}));
  CHECK(outputs[1] == Tensor::of(Dims{2, 3}, std::vector<float>{-3, -5, -6, -30, -50, -60}));
  const auto none = run(graph, {row({4, 5}), Tensor::of(Dims{2, 0}, std::vector<float>{})});
  CHECK(none[0] == row({4, 5}));
  CHECK(none[1].dims() == Dims{2, 0});
}

TEST_CASE("a branch that is known to be taken replaces If, and the other one may contradict it") {
  Body taken;
  Body otherwise;
  const ValueId a = taken.input("x", floats(std::nullopt));
  taken.graph->set_outputs({op(*taken.graph, "Neg", {a})});
  const ValueId b = otherwise.input("x", floats(std::nullopt));
  const ValueId axis =
      otherwise.graph->add_constant("axis", Tensor::of(Dims{1}, std::vector<int64_t>{0}));
  otherwise.graph->set_outputs({op(*otherwise.graph, "Squeeze", {b, axis})});
  const auto graph =
      around("If", {}, {Type::tensor(DType::boolean, Shape{}), floats(Shape{Dim(2)})},
             {taken, otherwise}, 1, 1);
  const ValueId yes = graph->add_constant("yes", Tensor::scalar(true));
  const NodeId id = graph->order()[0];
  graph->set_input(id, 0, yes);
  REQUIRE(graph->node(id).op->canonical({*graph, id, kWrittenOpset}).ok());
  CHECK_FALSE(graph->alive(id));
  CHECK(graph->value(graph->outputs()[0]).name == "o0");
  CHECK(run(graph, {Tensor::scalar(true), row({1, 2})})[0] == row({-1, -2}));
}
