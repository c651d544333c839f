#include <doctest/doctest.h>

#include <functional>

#include "engine/ops/evaluate.h"
#include "engine/ops/op.h"
#include "engine/passes/pass.h"
#include "runtime/session/program.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::runtime;
using namespace octet::testing;

namespace {

constexpr int64_t kHeads = 2;
constexpr int64_t kWidth = 4;

ValueId op(Graph& graph, std::string_view name, std::vector<ValueId> inputs,
           const AttrMap& attrs = {}) {
  const OpDef& row = require_op("", name);
  return graph.add_op(row, std::move(inputs), *row.attrs.read(attrs, kMaxOpset),
                      graph.unique_name(std::string(name)));
}

ValueId integers(Graph& graph, const std::vector<int64_t>& values) {
  const Dims dims{static_cast<int64_t>(values.size())};
  return graph.add_constant(graph.unique_name("c"), Tensor::of(dims, values));
}

ValueId extent(Graph& graph, ValueId of, int64_t axis) {
  return op(graph, "Gather", {op(graph, "Shape", {of}), integers(graph, {axis})});
}

// x [n, t, 4] + y [m, s, 4] in `layers` that split heads into the batch and merge them again, each
// by extents that it takes from its own input; the results are x's way, that of y, and shapes of
// both.
std::shared_ptr<Graph> layered(size_t layers, const Shape& of_x, const Shape& of_y) {
  auto graph = std::make_shared<Graph>();
  std::vector<ValueId> results;
  std::vector<ValueId> shapes;
  for (const auto& [name, shape] : {std::pair("x", of_x), std::pair("y", of_y)}) {
    ValueId at = graph->add_input(name, Type::tensor(DType::f32, shape));
    for (size_t layer = 0; layer < layers; ++layer) {
      const ValueId n = extent(*graph, at, 0);
      const ValueId t = extent(*graph, at, 1);
      const ValueId rows = op(*graph, "Mul", {n, integers(*graph, {kHeads})});
      const ValueId split = op(*graph, "Concat", {t, rows, integers(*graph, {kWidth / kHeads})},
                               {{"axis", int64_t{0}}});
      const ValueId heads = op(*graph, "Relu", {op(*graph, "Reshape", {at, split})});
      const ValueId merged =
          op(*graph, "Concat",
             {extent(*graph, at, 0), extent(*graph, heads, 0), integers(*graph, {kWidth})},
             {{"axis", int64_t{0}}});
      at = op(*graph, "Neg", {op(*graph, "Reshape", {heads, merged})});
      const ValueId half = op(*graph, "Div", {op(*graph, "Add", {t, rows}), integers(*graph, {2})});
      shapes.push_back(op(*graph, "Concat", {split, half}, {{"axis", int64_t{0}}}));
    }
    results.push_back(at);
  }
  results.insert(results.end(), shapes.begin(), shapes.end());
  graph->set_outputs(results);
  return graph;
}

// The results of evaluating node after node, or the error of the node that refuses.
Result<std::vector<Tensor>> evaluated(const Graph& original, const std::vector<Tensor>& inputs) {
  const auto graph = original.clone();
  const auto fix = [&](ValueId id, const Tensor& tensor) {
    graph->value(id).constant = tensor;
    graph->value(id).type = Type::tensor(tensor.dtype(), to_shape(tensor.dims()));
  };
  for (size_t i = 0; i < inputs.size(); ++i) fix(graph->inputs[i], inputs[i]);
  for (const NodeId id : graph->order()) {
    OCTET_RETURN_IF_ERROR(infer_node(*graph, id));
    OCTET_ASSIGN(const auto outputs, evaluate(*graph, graph->node(id), size_t{1} << 20));
    for (size_t i = 0; i < outputs.size(); ++i) fix(graph->node(id).outputs[i], outputs[i]);
  }
  std::vector<Tensor> results;
  for (const ValueId id : graph->outputs()) results.push_back(*graph->value(id).constant);
  return results;
}

struct Case {
  std::string name;
  Shape x, y;
  std::vector<std::pair<Dims, Dims>> runs;
};

const Dim n = Dim::symbol("n");
const Dim m = Dim::symbol("m");
const Dim t = Dim::symbol("t");
const Dim s = Dim::symbol("s");

const Case kCases[] = {
    {"four extents",
     {n, t, kWidth},
     {m, s, kWidth},
     {{{1, 5, 4}, {2, 3, 4}}, {{3, 1, 4}, {3, 1, 4}}, {{0, 3, 4}, {1, 0, 4}}}},
    {"names that both inputs have, at extents that agree and others",
     {n, t, kWidth},
     {n, t, kWidth},
     {{{2, 5, 4}, {2, 5, 4}},
      {{2, 5, 4}, {2, 3, 4}},
      {{1, 4, 4}, {3, 4, 4}},
      {{0, 0, 4}, {1, 7, 4}}}},
    {"a name twice in an input",
     {n, n, kWidth},
     {m, s, kWidth},
     {{{2, 2, 4}, {1, 3, 4}}, {{2, 5, 4}, {5, 2, 4}}}},
    {"a name that reads like a sum of others",
     {n, t, kWidth},
     {Dim::symbol("n+t"), s, kWidth},
     {{{2, 5, 4}, {7, 2, 4}}, {{2, 5, 4}, {4, 2, 4}}}},
    {"numbers beside names", {1, t, kWidth}, {1, s, kWidth}, {{{1, 5, 4}, {1, 9, 4}}}},
};

size_t count(const Graph& graph, std::string_view name) {
  size_t found = 0;
  for (const NodeId id : graph.order()) found += graph.node(id).op->name == name ? 1 : 0;
  return found;
}

}  // namespace

TEST_CASE("shapes that layers compute alike are computed once, and are those of every length") {
  for (const Case& c : kCases) {
    INFO(c.name);
    const auto graph = layered(3, c.x, c.y);
    const auto program = Program::compile(graph->clone(), {});
    REQUIRE(program.ok());
    for (const auto& [x, y] : c.runs) {
      const std::vector<Tensor> inputs{random_floats(x, 1), random_floats(y, 2)};
      const auto expected = evaluated(*graph, inputs);
      const auto results = (*program)->run(inputs);
      INFO((results.ok() ? "" : results.error().message));
      REQUIRE(results.ok() == expected.ok());
      if (!expected.ok()) continue;
      REQUIRE(results->size() == expected->size());
      for (size_t i = 0; i < expected->size(); ++i) CHECK((*results)[i] == (*expected)[i]);
    }
  }
}

TEST_CASE("layers add no shape computation but for the results that they are asked for") {
  const auto shapes_of = [](size_t layers) {
    const auto graph = layered(layers, {n, t, kWidth}, {m, s, kWidth});
    auto results = graph->outputs();
    results.resize(2);  // No shapes.
    graph->set_outputs(results);
    REQUIRE(run_passes(*graph, PassPhase::portable).ok());
    CHECK(count(*graph, "Neg") == 2 * layers);
    return count(*graph, "Shape") + count(*graph, "Gather") + count(*graph, "Concat") +
           count(*graph, "Mul");
  };
  CHECK(shapes_of(2) == shapes_of(1));
  CHECK(shapes_of(8) == shapes_of(1));
}

namespace {

// Graphs whose inputs share the name n, each with runs at extents that agree and at others.
struct Shared {
  std::string name;
  std::vector<Shape> inputs;
  std::function<ValueId(Graph&, const std::vector<ValueId>&)> build;
  std::vector<std::vector<Dims>> runs;
};

const Shared kShared[] = {
    {"a difference of extents",
     {{n, n}},
     [](Graph& graph, const std::vector<ValueId>& x) {
       return op(graph, "Sub", {extent(graph, x[0], 0), extent(graph, x[0], 1)});
     },
     {{{4, 4}}, {{2, 5}}}},
    {"slices from a difference of extents on",
     {{n, n}},
     [](Graph& graph, const std::vector<ValueId>& x) {
       const ValueId start = op(graph, "Sub", {extent(graph, x[0], 1), extent(graph, x[0], 0)});
       const ValueId one = integers(graph, {1});
       return op(graph, "Slice", {x[0], start, integers(graph, {100}), one, one});
     },
     {{{4, 4}}, {{2, 5}}}},
    {"extents that change places",
     {{n, n}},
     [](Graph& graph, const std::vector<ValueId>& x) {
       const ValueId shape = op(graph, "Concat", {extent(graph, x[0], 1), extent(graph, x[0], 0)},
                                {{"axis", int64_t{0}}});
       return op(graph, "Neg", {op(graph, "Reshape", {op(graph, "Relu", {x[0]}), shape})});
     },
     {{{4, 4}}, {{2, 5}}}},
    {"a residual that is repeated",
     {{n, kWidth}, {n, kWidth}},
     [](Graph& graph, const std::vector<ValueId>& x) {
       const ValueId w = graph.add_constant(
           "w", Tensor::of({kWidth, kWidth},
                           std::vector<float>{1, 0, 0, 2, 0, 1, 0, 0, 3, 0, 1, 0, 0, 0, 0, 1}));
       return op(graph, "Add", {op(graph, "MatMul", {x[0], w}), x[1]});
     },
     {{{5, kWidth}, {5, kWidth}},
      {{5, kWidth}, {1, kWidth}},
      {{1, kWidth}, {5, kWidth}},
      {{5, kWidth}, {3, kWidth}}}},
    {"an operand that Expand gives another's extents",
     {{n, 1}, {n, kWidth}, {1, kWidth}},
     [](Graph& graph, const std::vector<ValueId>& x) {
       const ValueId wide = op(graph, "Expand", {x[2], op(graph, "Shape", {x[0]})});
       return op(graph, "Mul", {wide, x[1]});
     },
     {{{5, 1}, {5, kWidth}, {1, kWidth}}, {{5, 1}, {1, kWidth}, {1, kWidth}}}},
};

}  // namespace

TEST_CASE("extents of one name that a caller gives differently make no wrong results") {
  for (const Shared& c : kShared) {
    INFO(c.name);
    const auto graph = std::make_shared<Graph>();
    std::vector<ValueId> ids;
    for (const Shape& shape : c.inputs)
      ids.push_back(
          graph->add_input("x" + std::to_string(ids.size()), Type::tensor(DType::f32, shape)));
    graph->set_outputs({c.build(*graph, ids)});
    const auto portable = graph->clone();
    REQUIRE(run_passes(*portable, PassPhase::portable).ok());
    for (const auto& [form, model] : {std::pair("passed on", portable), {"as it is", graph}}) {
      INFO(form);
      const auto program = Program::compile(model->clone(), {});
      REQUIRE(program.ok());
      for (const auto& dims : c.runs) {
        std::vector<Tensor> inputs;
        for (const Dims& one : dims)
          inputs.push_back(random_floats(one, static_cast<uint32_t>(inputs.size() + 1)));
        const auto expected = evaluated(*graph, inputs);
        const auto results = (*program)->run(inputs);
        INFO((results.ok() ? "" : results.error().message));
        REQUIRE(results.ok() == expected.ok());
        if (expected.ok()) CHECK((*results)[0] == (*expected)[0]);
      }
    }
  }
}

TEST_CASE("inputs and outputs keep the names of their extents") {
  const auto graph = std::make_shared<Graph>();
  const ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{n, t}));
  const ValueId y = graph->add_input("y", Type::tensor(DType::f32, Shape{n, t}));
  graph->set_outputs({op(*graph, "Add", {op(*graph, "Relu", {x}), y})});
  REQUIRE(infer_graph(*graph).ok());
  const auto program = Program::compile(graph, {});
  REQUIRE(program.ok());
  const Graph& compiled = *(*program)->plan().graph;
  for (const ValueId id : {compiled.inputs[0], compiled.inputs[1], compiled.outputs()[0]})
    CHECK(compiled.value(id).type.shape == Shape{n, t});
}

TEST_CASE("a broadcast of unknown extents is the same one however it is made") {
  const auto of = [](const Dim& a, const Dim& b) { return broadcast({a}, {b})->at(0); };
  const Dim both = of(n, m);
  CHECK(of(m, n) == both);
  CHECK(of(both, n) == both);
  CHECK(of(m, both) == both);
  CHECK(of(both, both) == both);
  CHECK(both != n);
  CHECK(both != of(n, t));
  CHECK(of(both, t) == of(of(t, m), n));
  CHECK(of(both, 1) == both);
  CHECK(of(both, 7) == Dim(7));
  CHECK(of(both + Dim(1), n) != of(both, n));
  CHECK(of(both * t, n) != both);
  CHECK(of(both * of(t, s), n) != of(both, of(t, s)));
  CHECK(of(floor_div(both, n), n) == of(n, floor_div(of(m, n), n)));
}
