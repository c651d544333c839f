#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "engine/ops/op.h"
#include "runtime/providers.h"
#include "runtime/session/program.h"

using namespace octet;
using namespace octet::runtime;

namespace {

Tensor random_tensor(Dims dims, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(*checked_count(dims)));
  for (float& v : values) v = normal(random);
  return Tensor::of(std::move(dims), values);
}

struct Case {
  const char* name;
  const char* op;
  Shape input;
  Dims weights;
  AttrMap attrs;
  Dims sample;
};

std::shared_ptr<Graph> graph_of(const Case& c) {
  auto graph = std::make_shared<Graph>();
  const ValueId x = graph->add_input("x", Type::tensor(DType::f32, c.input));
  const ValueId w = graph->add_constant("w", random_tensor(c.weights, 1));
  const OpDef& op = require_op("", c.op);
  auto attrs = op.attrs.read(c.attrs, kMaxOpset);
  REQUIRE(attrs.ok());
  const ValueId y = graph->add_op(op, {x, w}, std::move(*attrs), "y");
  const OpDef& relu = require_op("", "Relu");
  auto none = relu.attrs.read({}, kMaxOpset);
  graph->set_outputs({graph->add_op(relu, {y}, std::move(*none), "z")});
  return graph;
}

std::shared_ptr<Program> compile(const Case& c, Provider provider) {
  CompileOptions options;
  options.provider = provider;
  auto program = Program::compile(graph_of(c), options);
  REQUIRE(program.ok());
  return *program;
}

const Dim n = Dim::symbol("n");
const std::vector<Case> kCases = {
    {"product", "MatMul", {n, 40}, {40, 24}, {}, {7, 40}},
    {"batched product", "MatMul", {n, 3, 16}, {16, 8}, {}, {2, 3, 16}},
    {"convolution",
     "Conv",
     {n, 6, 9, 11},
     {10, 6, 3, 3},
     {{"pads", std::vector<int64_t>{1, 1, 1, 1}}},
     {2, 6, 9, 11}},
    {"grouped, strided",
     "Conv",
     {n, 6, 9, 11},
     {9, 2, 3, 3},
     {{"group", int64_t{3}}, {"strides", std::vector<int64_t>{2, 2}}},
     {1, 6, 9, 11}},
    {"one axis, dilated",
     "Conv",
     {n, 4, 20},
     {8, 4, 3},
     {{"dilations", std::vector<int64_t>{2}}},
     {2, 4, 20}},
};

}  // namespace

TEST_CASE("a forced provider runs the step, and its result is ours") {
  if (provider_claims(Provider::onednn).empty()) return;  // A build without oneDNN.
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const auto ours = compile(c, Provider::native);
    const auto theirs = compile(c, Provider::onednn);
    bool ran = false;
    for (const auto& step : theirs->plan().steps) ran = ran || step.info.provider == "onednn";
    CHECK(ran);
    for (const auto& step : ours->plan().steps) CHECK(step.info.provider == "native");
    const std::vector<Tensor> inputs = {random_tensor(c.sample, 2)};
    const auto want = ours->run(inputs);
    const auto got = theirs->run(inputs);
    REQUIRE(want.ok());
    REQUIRE(got.ok());
    REQUIRE((*want)[0].dims() == (*got)[0].dims());
    for (size_t i = 0; i < (*want)[0].count(); ++i)
      CHECK(std::fabs((*want)[0].as<float>()[i] - (*got)[0].as<float>()[i]) < 1e-4F);
  }
}

TEST_CASE("the reference provider runs scalar code alone") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const auto program = compile(c, Provider::reference);
    for (const auto& step : program->plan().steps)
      if (step.node != kNoNode) CHECK(step.info.isa == Isa::scalar);
  }
}
