#include <cmath>
#include <limits>

#include "kernels/elementwise_f32/elementwise_f32.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attributes(std::string_view op, const AttrMap& map = {}, int opset = kWrittenOpset) {
  auto attrs = require_op("", op).attrs.read(map, opset);
  REQUIRE(attrs.ok());
  return *attrs;
}

struct UnaryCase {
  const char* op;
  AttrMap attrs;
  float (*expected)(float);
};

const UnaryCase kUnary[] = {
    {"Abs", {}, [](float x) { return std::fabs(x); }},
    {"Neg", {}, [](float x) { return -x; }},
    {"Round", {}, [](float x) { return std::nearbyint(x); }},
    {"Sign", {}, [](float x) { return static_cast<float>((x > 0) - (x < 0)); }},
    {"Exp", {}, [](float x) { return std::exp(x); }},
    {"Erf", {}, [](float x) { return std::erf(x); }},
    {"Sigmoid", {}, [](float x) { return 1 / (1 + std::exp(-x)); }},
    {"Tanh", {}, [](float x) { return std::tanh(x); }},
    {"Relu", {}, [](float x) { return x > 0 ? x : 0; }},
    {"LeakyRelu", {{"alpha", 0.2F}}, [](float x) { return x > 0 ? x : 0.2F * x; }},
    {"Elu", {{"alpha", 2.0F}}, [](float x) { return x > 0 ? x : 2 * std::expm1(x); }},
    {"Softplus", {}, [](float x) { return std::log1p(std::exp(x)); }},
    {"HardSigmoid", {}, [](float x) { return std::fmax(0.0F, std::fmin(1.0F, 0.2F * x + 0.5F)); }},
    {"Gelu", {}, [](float x) { return 0.5F * x * (1 + std::erf(x * 0.70710678F)); }},
};

}  // namespace

TEST_CASE("functions of one argument agree with the C library") {
  for (const UnaryCase& c : kUnary) {
    CAPTURE(c.op);
    for (const Dims& dims : {Dims{}, Dims{0, 3}, Dims{2, 5, 3, 7}}) {
      const Tensor x = random_floats(dims, 7, -4.0F, 4.0F);
      std::vector<float> expected;
      for (const float v : x.as<float>()) expected.push_back(c.expected(v));
      NodeRunner runner(c.op, attributes(c.op, c.attrs));
      const auto y = runner.input(x).output().run("reference");
      CHECK(relative_difference(y[0], Tensor::of(dims, expected)) < 1e-6);
    }
  }
}

TEST_CASE("Silu can be spelled in the standard's operators") {
  Graph graph;
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n")}));
  const OpDef& silu = require_op(kOctetDomain, "Silu");
  const ValueId y = graph.add_op(silu, {x}, Attrs::of(NoAttrs{}), "y");
  graph.set_outputs({y});
  REQUIRE(silu.expand(graph, graph.value(y).producer).ok());
  REQUIRE(infer_graph(graph).ok());
  const Node& product = graph.node(graph.value(y).producer);
  CHECK(product.op->name == "Mul");
  CHECK(graph.node(graph.value(product.inputs[1]).producer).op->name == "Sigmoid");
  CHECK(*graph.value(y).type.shape == Shape{Dim::symbol("n")});
}

TEST_CASE("float rows name the instruction set that they were forced to") {
  for (const CpuToken cpu : {CpuToken::scalar(), CpuToken::best()}) {
    NodeRunner add("Add", attributes("Add"));
    add.input(random_floats({3, 5}, 1)).input(random_floats({5}, 2)).output();
    CHECK(add.rows(cpu).front() == "elementwise_f32");
    (void)add.run("elementwise_f32", cpu);
    CHECK(add.info().isa == kernels::select_elementwise_f32(cpu).isa);
  }
}
