#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;
using runtime::Program;

namespace {

// x → MatMul → Relu → MatMul → MatMul with itself transposed: weights and two activations.
std::shared_ptr<Graph> network() {
  auto graph = std::make_shared<Graph>();
  const ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), 24}));
  const ValueId w0 = graph->add_constant("w0", random_tensor({24, 40}, 1));
  const ValueId w1 = graph->add_constant("w1", random_tensor({40, 16}, 2));
  const ValueId a = add(*graph, "MatMul", {x, w0}, {}, "a");
  const ValueId b = add(*graph, "Relu", {a}, {}, "b");
  const ValueId c = add(*graph, "MatMul", {b, w1}, {}, "c");
  const ValueId t = add(*graph, "Transpose", {c}, {{"perm", std::vector<int64_t>{1, 0}}}, "t");
  const ValueId y = add(*graph, "MatMul", {c, t}, {}, "y");
  graph->set_outputs({y});
  REQUIRE(infer_graph(*graph).ok());
  return graph;
}

}  // namespace

TEST_CASE("static quantization runs every product on int8 kernels and stays close to float") {
  const std::vector<Tensor> samples = {random_tensor({8, 24}, 3), random_tensor({3, 24}, 4)};
  const auto quantized = network();
  const auto report = quant::quantize(*quantized, {}, {calibrate_with(samples)});
  REQUIRE(report.ok());
  CHECK(report->samples == 2);
  const auto real = Program::compile(network(), {});
  const auto integer = Program::compile(quantized, {});
  REQUIRE(real.ok());
  REQUIRE(integer.ok());

  size_t products = 0;
  for (const auto& step : (*integer)->plan().steps) {
    if (step.node == kNoNode || (*integer)->plan().graph->node(step.node).op->name != "MatMul")
      continue;
    ++products;
    CAPTURE(step.info.kernel);
    CHECK(step.info.kernel.find("_s8") != std::string::npos);
  }
  CHECK(products == 3);

  const auto want = (*real)->run(std::vector{samples[0]});
  const auto got = (*integer)->run(std::vector{samples[0]});
  REQUIRE(want.ok());
  REQUIRE(got.ok());
  CHECK(sqnr((*want)[0], (*got)[0]) > 30.0);
}

TEST_CASE("the same codes come out on every instruction set and at every number of threads") {
  const std::vector<Tensor> samples = {random_tensor({8, 24}, 3)};
  const auto graph = network();
  REQUIRE(quant::quantize(*graph, {}, {calibrate_with(samples)}).ok());
  std::optional<Tensor> first;
  for (size_t i = 0; i < kIsaCount; ++i) {
    const auto token = CpuToken::probe(static_cast<Isa>(i));
    if (!token) continue;
    for (const size_t threads : {1, 2, 3, 8}) {
      runtime::CompileOptions options;
      options.cpu = *token;
      options.threads = threads;
      const auto program = Program::compile(graph->clone(), options);
      REQUIRE(program.ok());
      const auto outputs = (*program)->run(std::vector{samples[0]});
      REQUIRE(outputs.ok());
      if (!first) first = (*outputs)[0];
      CAPTURE(isa_name(static_cast<Isa>(i)));
      CAPTURE(threads);
      CHECK(*first == (*outputs)[0]);
    }
  }
}

TEST_CASE("calibration data that is not a number is refused with the value's name") {
  Tensor bad = Tensor::of(Dims{1, 24}, std::vector<float>(24, NAN));
  const std::vector<Tensor> samples = {bad};
  const auto graph = network();
  const auto report = quant::quantize(*graph, {}, {calibrate_with(samples)});
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().code == ErrorCode::invalid_data);
}

TEST_CASE("an excluded node stays in float") {
  const std::vector<Tensor> samples = {random_tensor({8, 24}, 3)};
  quant::QuantizeOptions options;
  options.exclude = {"a"};
  const auto graph = network();
  const auto report = quant::quantize(*graph, options, {calibrate_with(samples)});
  REQUIRE(report.ok());
  size_t in_float = 0;
  for (const auto& row : report->nodes) in_float += row.outcome == "float" ? 1 : 0;
  CHECK(in_float == 1);
}

TEST_CASE("the integer form lets codes saturate in place of a clamp, where they do the same") {
  const std::vector<Tensor> samples = {random_tensor({2, 4, 9, 9}, 3)};
  struct Case {
    const char* op;
    std::vector<float> bounds;
    bool vanishes;
  };
  // Against samples of about ±8: only a bound that calibration reaches is the end of the codes.
  const std::vector<Case> cases = {{"Relu", {}, true},
                                   {"Clip", {0.0F, 1.5F}, true},
                                   {"Clip", {-0.5F, 1.5F}, true},
                                   {"LeakyRelu", {}, false}};
  for (const Case& c : cases) {
    CAPTURE(std::string(c.op));
    const auto graph = std::make_shared<Graph>();
    const auto constant = [&](const char* name, Tensor t) { return graph->add_constant(name, t); };
    const ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{2, 4, 9, 9}));
    const ValueId w0 = constant("w0", random_tensor({6, 4, 3, 3}, 1));
    const ValueId w1 = constant("w1", random_tensor({5, 6, 3, 3}, 2));
    const ValueId w2 = constant("w2", random_tensor({3, 5, 3, 3}, 6));
    const ValueId a = add(*graph, "Conv", {x, w0, constant("b0", random_tensor({6}, 5))}, {}, "a");
    std::vector<ValueId> inputs = {a};
    for (const float bound : c.bounds)
      inputs.push_back(
          constant(bound > 0 ? "high" : "low", Tensor::of(Dims{}, std::vector{bound})));
    const ValueId r = add(*graph, c.op, inputs, {}, "r");
    const ValueId y = add(*graph, "Conv", {r, w1}, {}, "y");
    graph->set_outputs({add(*graph, "Conv", {y, w2}, {}, "z")});
    REQUIRE(infer_graph(*graph).ok());
    const Tensor want = result_of(*graph, samples[0]);

    quant::QuantizeOptions options;
    options.format = quant::Format::integer;
    REQUIRE(quant::quantize(*graph, options, {calibrate_with(samples)}).ok());
    size_t convolutions = 0;
    bool clamps = false;
    for (const NodeId id : graph->order()) {
      convolutions += graph->node(id).op->name == "QLinearConv" ? 1 : 0;
      clamps = clamps || graph->node(id).op->name == c.op;
    }
    CHECK(clamps == !c.vanishes);
    CHECK(convolutions == (c.vanishes ? 2 : 1));  // The last one gives a real result.
    CHECK(sqnr(want, result_of(*graph, samples[0])) > 30.0);
  }
}
