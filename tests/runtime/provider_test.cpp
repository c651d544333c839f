#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
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
  std::vector<Shape> inputs;
  std::vector<Tensor> constants;  // Behind the inputs.
  AttrMap attrs;
  std::vector<std::vector<Dims>> samples;  // Dims of the inputs, run after run.
};

using Ints = std::vector<int64_t>;
const Dim n = Dim::symbol("n");
const Dim h = Dim::symbol("h");
const Dim w = Dim::symbol("w");
Tensor weights(Dims dims) { return random_tensor(std::move(dims), 1); }

// What both libraries run.
const std::vector<Case> kProducts = {
    {"product", "MatMul", {{n, 40}}, {weights({40, 24})}, {}, {{{7, 40}}, {{1, 40}}, {{13, 40}}}},
    {"batched product", "MatMul", {{n, 3, 16}}, {weights({16, 8})}, {}, {{{2, 3, 16}}}},
    {"Gemm, B transposed, with a row",
     "Gemm",
     {{n, 12}},
     {weights({5, 12}), weights({5})},
     {{"transB", int64_t{1}}},
     {{{4, 12}}}},
    {"convolution",
     "Conv",
     {{n, 6, h, w}},
     {weights({10, 6, 3, 3})},
     {{"pads", Ints{1, 1, 1, 1}}},
     {{{2, 6, 9, 11}}, {{1, 6, 4, 5}}, {{2, 6, 9, 11}}}},
    {"grouped, strided, with a bias",
     "Conv",
     {{n, 6, 9, 11}},
     {weights({9, 2, 3, 3}), weights({9})},
     {{"group", int64_t{3}}, {"strides", Ints{2, 2}}},
     {{{1, 6, 9, 11}}}},
    {"depthwise, uneven padding",
     "Conv",
     {{n, 12, h, w}},
     {weights({12, 1, 3, 5})},
     {{"group", int64_t{12}}, {"pads", Ints{0, 2, 1, 1}}},
     {{{1, 12, 7, 8}}, {{3, 12, 2, 6}}}},
    {"two outputs a channel",
     "Conv",
     {{n, 4, 6, 6}},
     {weights({8, 1, 3, 3})},
     {{"group", int64_t{4}}},
     {{{2, 4, 6, 6}}}},
    {"same padding, strided",
     "Conv",
     {{1, 3, h, w}},
     {weights({4, 3, 3, 3})},
     {{"auto_pad", std::string("SAME_LOWER")}, {"strides", Ints{2, 2}}},
     {{{1, 3, 8, 9}}, {{1, 3, 7, 8}}}},
    {"one axis, dilated",
     "Conv",
     {{n, 4, w}},
     {weights({8, 4, 3})},
     {{"dilations", Ints{2}}},
     {{{2, 4, 20}}, {{1, 4, 9}}}},
};

// What XNNPACK runs besides.
const std::vector<Case> kPoolsAndMore = {
    {"maximum",
     "MaxPool",
     {{n, 5, h, w}},
     {},
     {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}},
     {{{2, 5, 9, 12}}, {{1, 5, 4, 6}}}},
    {"dilated maximum",
     "MaxPool",
     {{n, 3, h, w}},
     {},
     {{"kernel_shape", Ints{3, 2}}, {"dilations", Ints{2, 3}}, {"pads", Ints{1, 2, 1, 2}}},
     {{{1, 3, 8, 9}}}},
    {"maximum, rounded up",
     "MaxPool",
     {{n, 3, h, w}},
     {},
     {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", int64_t{1}}},
     {{{1, 3, 8, 10}}, {{1, 3, 7, 9}}}},
    {"maximum along one axis",
     "MaxPool",
     {{n, 3, w}},
     {},
     {{"kernel_shape", Ints{4}}},
     {{{1, 3, 8}}}},
    {"average",
     "AveragePool",
     {{n, 6, h, w}},
     {},
     {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}},
     {{{1, 6, 8, 10}}, {{2, 6, 5, 3}}}},
    {"average without its padding",
     "AveragePool",
     {{n, 6, h, w}},
     {},
     {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 0, 1, 2}}},
     {{{1, 6, 5, 6}}}},
    {"global average",
     "GlobalAveragePool",
     {{n, 7, h, w}},
     {},
     {},
     {{{2, 7, 5, 6}}, {{1, 7, 12, 12}}, {{3, 7, 1, 1}}}},
    {"softmax", "Softmax", {{n, 4, w}}, {}, {}, {{{2, 4, 9}}, {{1, 4, 33}}}},
    {"sum", "Add", {{n, 3, w}, {n, 3, w}}, {}, {}, {{{2, 3, 5}, {2, 3, 5}}}},
    {"difference, one row", "Sub", {{n, 3, w}, {w}}, {}, {}, {{{2, 3, 5}, {5}}}},
    {"product of columns", "Mul", {{n, 3, w}, {3, 1}}, {}, {}, {{{2, 3, 5}, {3, 1}}}},
    {"a scalar in front", "Sub", {{}, {n, w}}, {}, {}, {{{}, {2, 9}}}},
    {"rectifier", "Relu", {{n, w}}, {}, {}, {{{3, 7}}, {{2, 1024}}}},
    {"clip to both",
     "Clip",
     {{n, w}},
     {Tensor::scalar(-0.5F), Tensor::scalar(1.0F)},
     {},
     {{{3, 7}}}},
    {"sigmoid", "Sigmoid", {{n, w}}, {}, {}, {{{3, 7}}}},
    {"hard swish", "HardSwish", {{n, w}}, {}, {}, {{{3, 7}}}},
};

ValueId add(Graph& graph, const std::string& name, std::vector<ValueId> inputs,
            const AttrMap& attrs) {
  const OpDef& op = require_op("", name);
  auto read = op.attrs.read(attrs, kMaxOpset);
  REQUIRE(read.ok());
  return graph.add_op(op, std::move(inputs), std::move(*read), name);
}

std::shared_ptr<Graph> graph_of(const Case& c) {
  auto graph = std::make_shared<Graph>();
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i)
    inputs.push_back(
        graph->add_input("x" + std::to_string(i), Type::tensor(DType::f32, c.inputs[i])));
  for (size_t i = 0; i < c.constants.size(); ++i)
    inputs.push_back(graph->add_constant("w" + std::to_string(i), c.constants[i]));
  graph->set_outputs({add(*graph, "Relu", {add(*graph, c.op, inputs, c.attrs)}, {})});
  return graph;
}

std::shared_ptr<Program> compile(const Case& c, Provider provider) {
  CompileOptions options;
  options.provider = provider;
  auto program = Program::compile(graph_of(c), options);
  REQUIRE(program.ok());
  return *program;
}

// Runs whose profile names the provider, beside the reference's results.
void check_provider(Provider provider, const std::vector<Case>& cases) {
  if (!provider_is_here(provider)) return;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto reference = compile(c, Provider::reference);
    const auto program = compile(c, provider);
    for (const auto& dims : c.samples) {
      std::vector<Tensor> inputs;
      for (size_t i = 0; i < dims.size(); ++i)
        inputs.push_back(random_tensor(dims[i], static_cast<unsigned>(2 + i)));
      bool ran = false;
      RunOptions options;
      options.profile = [&](const StepProfile& step) {
        ran = ran || (step.op == c.op && step.info->provider == provider_name(provider));
      };
      const auto want = reference->run(inputs);
      const auto got = program->run(inputs, options);
      REQUIRE(want.ok());
      REQUIRE(got.ok());
      CHECK(ran);
      REQUIRE((*want)[0].dims() == (*got)[0].dims());
      for (size_t i = 0; i < (*want)[0].count(); ++i)
        CHECK(std::fabs((*want)[0].as<float>()[i] - (*got)[0].as<float>()[i]) < 1e-4F);
    }
  }
}

}  // namespace

TEST_CASE("oneDNN runs the step that it is forced to, and its result is the reference's") {
  check_provider(Provider::onednn, kProducts);
}

TEST_CASE("XNNPACK runs the step that it is forced to, and its result is the reference's") {
  check_provider(Provider::xnnpack, kProducts);
  check_provider(Provider::xnnpack, kPoolsAndMore);
}

// Conv, then the operator with `other` as its second argument, all channels-last.
TEST_CASE("XNNPACK's arithmetic follows images that lie channels-last") {
  if (!provider_is_here(Provider::xnnpack)) return;
  for (const Dims& other : std::vector<Dims>{{5, 1, 1}, {1, 5, 1, 1}, {4}, {3, 4}, {5, 3, 4}, {}}) {
    CAPTURE(to_string(to_shape(other)));
    const auto graph = [&] {
      auto made = std::make_shared<Graph>();
      const ValueId x = made->add_input("x", Type::tensor(DType::f32, Shape{n, 5, 3, 4}));
      ValueId y = add(*made, "MaxPool", {x}, {{"kernel_shape", Ints{1, 1}}});
      y = add(*made, "Sub", {y, made->add_constant("other", weights(other))}, {});
      made->set_outputs({add(*made, "MaxPool", {y}, {{"kernel_shape", Ints{1, 1}}})});
      return made;
    };
    const std::vector<Tensor> inputs = {random_tensor({2, 5, 3, 4}, 2)};
    std::vector<Tensor> results;
    for (const Provider provider : {Provider::reference, Provider::xnnpack}) {
      CompileOptions options;
      options.provider = provider;
      auto program = Program::compile(graph(), options);
      REQUIRE(program.ok());
      auto result = (*program)->run(inputs);
      REQUIRE(result.ok());
      results.push_back((*result)[0]);
    }
    CHECK(results[0] == results[1]);
  }
}

// What follows a product or convolution, as fusion folds it into the epilogue.
TEST_CASE("XNNPACK finishes epilogues") {
  if (!provider_is_here(Provider::xnnpack)) return;
  const std::vector<std::vector<std::string>> chains = {
      {"Sigmoid"}, {"HardSwish"},   {"Silu"},           {"Add", "Relu"},
      {"Add"},     {"Relu", "Add"}, {"Add", "Sigmoid"}, {"Silu", "Add"}};
  for (const std::string op : {"Conv", "MatMul"})
    for (const auto& chain : chains) {
      CAPTURE(op);
      CAPTURE(chain.front());
      CAPTURE(chain.back());
      const bool conv = op == "Conv";
      const auto graph = [&] {
        auto made = std::make_shared<Graph>();
        const Shape shape = conv ? Shape{n, 4, h} : Shape{n, 6};
        const ValueId x = made->add_input("x", Type::tensor(DType::f32, shape));
        const ValueId residual = made->add_input("residual", Type::tensor(DType::f32, shape));
        const Tensor w = weights(conv ? Dims{4, 4, 1} : Dims{6, 6});
        ValueId y = add(*made, op, {x, made->add_constant("w", w)}, {});
        for (const std::string& next : chain) {
          if (next == "Add")
            y = add(*made, "Add", {y, residual}, {});
          else if (next == "Silu")
            y = add(*made, "Mul", {y, add(*made, "Sigmoid", {y}, {})}, {});
          else
            y = add(*made, next, {y}, {});
        }
        made->set_outputs({y});
        return made;
      };
      const Dims dims = conv ? Dims{2, 4, 5} : Dims{3, 6};
      const std::vector<Tensor> inputs = {random_tensor(dims, 2), random_tensor(dims, 3)};
      std::vector<Tensor> results;
      for (const Provider provider : {Provider::reference, Provider::xnnpack}) {
        CompileOptions options;
        options.provider = provider;
        auto program = Program::compile(graph(), options);
        REQUIRE(program.ok());
        if (provider == Provider::xnnpack)
          for (const auto& step : (*program)->plan().steps)
            if (step.node != kNoNode) CHECK(step.info.provider == "xnnpack");
        auto result = (*program)->run(inputs);
        REQUIRE(result.ok());
        results.push_back((*result)[0]);
      }
      for (size_t i = 0; i < results[0].count(); ++i)
        CHECK(std::fabs(results[0].as<float>()[i] - results[1].as<float>()[i]) < 1e-5F);
    }
}

TEST_CASE("XNNPACK reads no page behind an input") {
  if (!provider_is_here(Provider::xnnpack)) return;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const pages =
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  std::byte* const end = static_cast<std::byte*>(pages) + page;
  REQUIRE(mprotect(end, page, PROT_NONE) == 0);
  for (const auto* cases : {&kProducts, &kPoolsAndMore})
    for (const Case& c : *cases) {
      CAPTURE(c.name);
      for (const auto& dims : c.samples) {
        std::vector<Tensor> inputs;
        for (const Dims& d : dims) inputs.push_back(random_tensor(d, 2));
        const auto bytes = inputs[0].bytes();
        if (bytes.size() > page) continue;
        std::ranges::copy(bytes, end - bytes.size());
        inputs[0] = Tensor(DType::f32, dims[0], {end - bytes.size(), bytes.size()}, nullptr);
        CHECK(compile(c, Provider::xnnpack)->run(inputs).ok());
      }
    }
  munmap(pages, 2 * page);
}

TEST_CASE("a provider's claims alone don't make auto take it") {
  for (const auto* cases : {&kProducts, &kPoolsAndMore})
    for (const Case& c : *cases) {
      CAPTURE(c.name);
      const auto program = compile(c, Provider::automatic);
      for (const auto& step : program->plan().steps) CHECK(step.info.provider == "native");
    }
}

TEST_CASE("the reference provider runs scalar code alone") {
  for (const Case& c : kProducts) {
    CAPTURE(c.name);
    const auto program = compile(c, Provider::reference);
    for (const auto& step : program->plan().steps)
      if (step.node != kNoNode) CHECK(step.info.isa == Isa::scalar);
  }
}
