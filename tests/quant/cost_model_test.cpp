#include "engine/quant/cost_model.h"

#include <array>
#include <functional>

#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;

namespace {

// Two products, each of its own input.
std::shared_ptr<Graph> pair_net() {
  auto graph = std::make_shared<Graph>();
  std::vector<ValueId> sums;
  for (const char* name : {"a", "b"}) {
    const std::string x = std::string("x_") + name;
    const ValueId input = graph->add_input(x, Type::tensor(DType::f32, Shape{4, 8}));
    const ValueId w = graph->add_constant(std::string("w_") + name, random_tensor({8, 8}, 1));
    sums.push_back(add(*graph, "MatMul", {input, w}, {}, name));
  }
  graph->set_outputs(sums);
  REQUIRE(infer_graph(*graph).ok());
  return graph;
}

struct Times {
  double real = 0;
  double codes = 0;       // Of the product's step.
  double conversion = 0;  // Of its input, where it is codes.
};

struct Case {
  std::string name;
  Times a;
  Times b;
  double mixed = 0;  // What a run takes longer where one product is float and the other isn't.
  std::set<std::string> floats{};
};

const std::vector<Case> kCases = {
    {.name = "integers are faster", .a = {900, 300, 20}, .b = {900, 300, 20}},
    {.name = "a product is slower", .a = {100, 300, 0}, .b = {900, 300, 20}, .floats = {"a"}},
    {.name = "its conversion makes it slower",
     .a = {300, 200, 300},
     .b = {900, 300, 20},
     .floats = {"a"}},
    {.name = "both are slower", .a = {300, 400, 0}, .b = {300, 500, 0}, .floats = {"a", "b"}},
    {.name = "not clearly slower", .a = {500, 530, 10}, .b = {900, 300, 20}},
    {.name = "slower by too little of the run", .a = {10, 25, 0}, .b = {900, 300, 20}},
    {.name = "a run too short to judge", .a = {4, 30, 0}, .b = {12, 5, 1}},
    {.name = "slower, but the run isn't faster without it",
     .a = {100, 300, 0},
     .b = {900, 300, 20},
     .mixed = 250},
    {.name = "both slower, only together is it worthwhile",
     .a = {300, 320, 40},
     .b = {300, 600, 0},
     .mixed = 1000,
     .floats = {"a", "b"}},
};

// A profile out of the case's times.
quant::Profile profile_of(const Graph& graph, const Case& c) {
  quant::Profile profile;
  size_t in_codes = 0;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->name != "MatMul") continue;
    const Times& times = node.name == "a" ? c.a : c.b;
    const bool codes = graph.value(node.inputs[1]).quant != nullptr;
    in_codes += codes ? 1 : 0;
    profile.steps.push_back({node.name, codes ? times.codes : times.real});
    if (codes)
      profile.steps.push_back({"convert:" + graph.value(node.inputs[0]).name, times.conversion});
  }
  for (const auto& step : profile.steps) profile.us += step.us;
  if (in_codes == 1) profile.us += c.mixed;
  return profile;
}

// What `profile` says of each graph.
quant::Measurements measured(const std::function<quant::Profile(const Graph&)>& profile) {
  quant::Measurements measurements;
  measurements.profile = [profile](const Graph& a,
                                   const Graph& b) -> Result<std::vector<quant::Profile>> {
    return std::vector{profile(a), profile(b)};
  };
  return measurements;
}

quant::Measurements timed_by(const Case& c) {
  return measured([&c](const Graph& graph) { return profile_of(graph, c); });
}

std::array<ValueId, 3> square_inputs(Graph& graph) {
  const auto input = [&](const char* name) {
    return graph.add_input(name, Type::tensor(DType::f32, Shape{8, 8}));
  };
  return {input("first"), input("second"), input("third")};
}

// On one sample of so many inputs.
quant::Calibrate calibrate(unsigned inputs, const Dims& dims) {
  return [=](const Graph& graph, const quant::ValueSink& sink) -> Result<size_t> {
    runtime::CompileOptions options;
    options.fuse = false;
    OCTET_ASSIGN(const auto program, runtime::Program::compile(graph.clone(), options));
    runtime::RunOptions run;
    run.observer = sink;
    std::vector<Tensor> tensors;
    for (unsigned i = 0; i < inputs; ++i) tensors.push_back(random_tensor(dims, 2 + i));
    if (auto outputs = program->run(tensors, run); !outputs) return std::move(outputs).error();
    return 1;
  };
}

}  // namespace

TEST_CASE("what measures slower in integers stays in float, if the whole run is faster for it") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const auto graph = pair_net();
    const auto report = quant::quantize(*graph, {}, {calibrate(2, {4, 8})}, timed_by(c));
    REQUIRE(report.ok());
    std::set<std::string> floats;
    for (const auto& row : report->nodes) {
      const bool is_float = row.outcome == "float";
      if (is_float) floats.insert(row.node);
      if (is_float) CHECK(row.reason.find("faster: ") == 0);
      REQUIRE(row.time.has_value());
      const Times& times = row.node == "a" ? c.a : c.b;
      CHECK(row.time->real == times.real);
      CHECK(row.time->codes == (is_float ? times.real : times.codes + times.conversion));
    }
    CHECK(floats == c.floats);
    REQUIRE(report->time.has_value());
    CHECK(report->time->real == c.a.real + c.b.real);
  }
}

// softmax(q k) v and a product with weights; the attention's step is named after the Softmax.
TEST_CASE("the products of an attention that is slower in integers stay in float together") {
  for (const double codes : {300.0, 60.0}) {
    CAPTURE(codes);
    auto graph = std::make_shared<Graph>();
    const auto [q, k, v] = square_inputs(*graph);
    const ValueId half = graph->add_constant("half", Tensor::scalar(0.5F));
    const ValueId w = graph->add_constant("w", random_tensor({8, 8}, 1));
    const ValueId scores = add(*graph, "MatMul", {q, k}, {}, "qk");
    const ValueId scaled = add(*graph, "Mul", {scores, half}, {}, "scale");
    const ValueId shares = add(*graph, "Softmax", {scaled}, {}, "soft");
    const ValueId read = add(*graph, "MatMul", {shares, v}, {}, "pv");
    graph->set_outputs({add(*graph, "MatMul", {read, w}, {}, "out")});
    REQUIRE(infer_graph(*graph).ok());
    const auto measurements = measured([&](const Graph& each) {
      bool in_codes = false;
      for (const NodeId id : each.order())
        if (each.node(id).name == "pv")
          in_codes = each.value(each.node(id).inputs[1]).quant != nullptr;
      const double soft = in_codes ? codes : 100;
      return quant::Profile{soft + 400, {{"soft", soft}, {"out", 400}}};
    });
    const auto report = quant::quantize(*graph, {}, {calibrate(3, {8, 8})}, measurements);
    REQUIRE(report.ok());
    REQUIRE(report->nodes.size() == 3);
    for (const auto& row : report->nodes) {
      CAPTURE(row.node);
      const bool left = codes > 100 && row.node != "out";
      CHECK(row.outcome == (left ? "float" : "int8"));
      if (left) CHECK(row.reason.find("faster: 100.0 us in float, 300.0 us") == 0);
    }
  }
}

// A product with weights, and one of two inputs: none.
TEST_CASE("what integers don't speed up stays in float where it has few weights") {
  struct Idle {
    double real, codes;
    double mixed;  // What a run takes longer with the second product in float.
    std::string reason;
  };
  for (const Idle& c : {Idle{10, 9.5, 0, "no slower: 10.0 us in float, 9.5 us"},
                        Idle{10, 12, 0, "faster: 10.0 us in float, 12.0 us"}, Idle{10, 8.5, 0, ""},
                        Idle{10, 9.5, 30, ""}}) {
    CAPTURE(c.codes);
    CAPTURE(c.mixed);
    auto graph = std::make_shared<Graph>();
    const auto [x, y, z] = square_inputs(*graph);
    const ValueId w = graph->add_constant("w", random_tensor({8, 8}, 1));
    graph->set_outputs(
        {add(*graph, "MatMul", {x, w}, {}, "weighted"), add(*graph, "MatMul", {y, z}, {}, "bare")});
    REQUIRE(infer_graph(*graph).ok());
    const auto measurements = measured([&](const Graph& each) {
      std::map<std::string, bool> in_codes;
      for (const NodeId id : each.order())
        in_codes[each.node(id).name] = each.value(each.node(id).inputs[0]).quant != nullptr;
      const double weighted = in_codes["weighted"] ? 990 : 1000;
      const double bare = in_codes["bare"] ? c.codes : c.real;
      const double mixed = in_codes["weighted"] && !in_codes["bare"] ? c.mixed : 0;
      return quant::Profile{weighted + bare + mixed, {{"weighted", weighted}, {"bare", bare}}};
    });
    const auto report = quant::quantize(*graph, {}, {calibrate(3, {8, 8})}, measurements);
    REQUIRE(report.ok());
    REQUIRE(report->nodes.size() == 2);
    CHECK(report->nodes[0].outcome == "int8");
    CHECK(report->nodes[1].outcome == (c.reason.empty() ? "int8" : "float"));
    if (!c.reason.empty()) CHECK(report->nodes[1].reason.find(c.reason) == 0);
  }
}

TEST_CASE("the cost model can be turned off; times are reported all the same") {
  const Case& slower = kCases[1];
  quant::QuantizeOptions options;
  options.leave_slower = false;
  const auto graph = pair_net();
  const auto report = quant::quantize(*graph, options, {calibrate(2, {4, 8})}, timed_by(slower));
  REQUIRE(report.ok());
  for (const auto& row : report->nodes) {
    CHECK(row.outcome == "int8");
    CHECK(row.time.has_value());
  }
}
