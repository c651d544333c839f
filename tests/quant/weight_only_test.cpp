#include "engine/quant/weight_only.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "engine/ir/memory.h"
#include "engine/ops/evaluate.h"
#include "engine/ops/op.h"
#include "runtime/session/program.h"

using namespace octet;
using runtime::Program;

namespace {

Tensor random_tensor(Dims dims, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(*checked_count(dims)));
  for (float& v : values) v = normal(random);
  return Tensor::of(std::move(dims), values);
}

// Stands for a weight before and after the quantizer: what the float model must hold to be equal.
using Weights = std::function<Tensor(const Tensor& weights, int summed_axis)>;
Tensor unchanged(const Tensor& weights, int /*axis*/) { return weights; }

ValueId add(Graph& graph, const char* op, std::vector<ValueId> inputs, const AttrMap& attrs,
            const char* name) {
  const OpDef& def = require_op("", op);
  auto read = def.attrs.read(attrs, kMaxOpset);
  REQUIRE(read.ok());
  return graph.add_op(def, std::move(inputs), std::move(*read), name);
}

// tokens → embedding → MatMul → Gemm with a weight stored [N,K].
std::shared_ptr<Graph> network(const Weights& weights) {
  auto graph = std::make_shared<Graph>();
  const ValueId x = graph->add_input("x", Type::tensor(DType::s64, Shape{Dim::symbol("n")}));
  const ValueId table = graph->add_constant("table", weights(random_tensor({50, 72}, 1), 1));
  const ValueId w0 = graph->add_constant("w0", weights(random_tensor({72, 40}, 2), 0));
  const ValueId w1 = graph->add_constant("w1", weights(random_tensor({33, 40}, 3), 1));
  const ValueId rows = add(*graph, "Gather", {table, x}, {}, "rows");
  const ValueId hidden = add(*graph, "MatMul", {rows, w0}, {}, "hidden");
  const ValueId y = add(*graph, "Gemm", {hidden, w1}, {{"transB", int64_t{1}}}, "y");
  graph->set_outputs({y});
  REQUIRE(infer_graph(*graph).ok());
  return graph;
}

// The results of a few rows, which read what is stored, and of many, which may read floats.
std::vector<Tensor> run(const std::shared_ptr<Graph>& graph,
                        std::vector<std::string>* kernels = nullptr) {
  const auto program = Program::compile(graph, {});
  REQUIRE(program.ok());
  if (kernels != nullptr)
    for (const auto& step : (*program)->plan().steps) kernels->emplace_back(step.info.kernel);
  std::vector<Tensor> results;
  for (const auto& tokens : {std::vector<int64_t>{3, 49}, {3, 49, 0, 17, 3}}) {
    auto outputs =
        (*program)->run(std::vector{Tensor::of(Dims{static_cast<int64_t>(tokens.size())}, tokens)});
    REQUIRE(outputs.ok());
    results.push_back((*outputs)[0]);
  }
  return results;
}

// float(code) * scale, from the bytes and the definition of blocks.
Tensor decoded(const Tensor& weights, int axis, int64_t block) {
  const auto stored = quant::quantize_int4(weights, axis, block);
  REQUIRE(stored.ok());
  const auto& dims = weights.dims();
  const auto scales = stored->quant->scale.to_float();
  std::vector<float> out(weights.count());
  for (int64_t i = 0; i < dims[0]; ++i)
    for (int64_t j = 0; j < dims[1]; ++j) {
      const auto at = static_cast<size_t>(i * dims[1] + j);
      const auto byte = static_cast<unsigned>(stored->codes.bytes()[at / 2]);
      const int nibble = static_cast<int>(at % 2 == 0 ? byte & 15U : byte >> 4);
      const int64_t blocks = (dims[static_cast<size_t>(axis)] + block - 1) / block;
      const int64_t scale = axis == 0 ? i / block * dims[1] + j : i * blocks + j / block;
      out[at] = static_cast<float>(nibble < 8 ? nibble : nibble - 16) *
                scales[static_cast<size_t>(scale)];
    }
  return Tensor::of(dims, out);
}

}  // namespace

TEST_CASE("fp16 storage gives the bits of the float model with rounded weights") {
  quant::QuantizeOptions options;
  options.mode = quant::Mode::fp16;
  const auto graph = network(unchanged);
  const auto report = quant::quantize(*graph, options, {});
  REQUIRE(report.ok());
  CHECK(report->nodes.size() == 3);
  const auto rounded = [](const Tensor& weights, int /*axis*/) {
    return *convert_float(*convert_float(weights, DType::f16), DType::f32);
  };
  std::vector<std::string> kernels;
  CHECK(run(graph, &kernels) == run(network(rounded)));
  CHECK(kernels == std::vector<std::string>{"gather_f16", "gemm_f32_f16", "gemm_f32_f16"});
}

TEST_CASE("int4 storage gives the bits of the float model with the weights that codes stand for") {
  for (const int64_t block : {16, 32, 64, 128}) {
    CAPTURE(block);
    quant::QuantizeOptions options;
    options.mode = quant::Mode::int4;
    options.block_size = block;
    const auto graph = network(unchanged);
    REQUIRE(quant::quantize(*graph, options, {}).ok());
    std::vector<std::string> kernels;
    const auto real = [&](const Tensor& weights, int axis) {
      return decoded(weights, axis, block);
    };
    CHECK(run(graph, &kernels) == run(network(real)));
    CHECK(kernels == std::vector<std::string>{"gather_s4", "gemm_f32_s4", "gemm_f32_s4"});
  }
}

TEST_CASE(
    "stored weights stay beside floats only where all of a graph's floats take 8 MB at most") {
  constexpr int64_t kDepth = 2048;
  for (const int64_t columns : {1024, 1025}) {
    CAPTURE(columns);
    auto graph = std::make_shared<Graph>();
    const ValueId x =
        graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), kDepth}));
    const ValueId w = graph->add_constant("w", random_tensor({kDepth, columns}, 1));
    graph->set_outputs({add(*graph, "MatMul", {x, w}, {}, "y")});
    REQUIRE(infer_graph(*graph).ok());
    quant::QuantizeOptions options;
    options.mode = quant::Mode::fp16;
    REQUIRE(quant::quantize(*graph, options, {}).ok());
    const auto budget = std::make_shared<MemoryBudget>(size_t{64} << 20);
    const BudgetScope scope(budget);
    const auto program = Program::compile(graph, {});
    REQUIRE(program.ok());
    const size_t halfs = static_cast<size_t>(kDepth * columns) * 2;
    const size_t floats = columns == 1024 ? halfs * 2 : 0;
    CHECK(budget->used() >= halfs + floats);
    CHECK(budget->used() < halfs + floats + halfs / 8);
  }
}

TEST_CASE("int4 codes lie as near as 4 bits can, and no block is worse than with the plain scale") {
  const Tensor weights = random_tensor({96, 24}, 7);
  for (const int axis : {0, 1}) {
    const Tensor real = decoded(weights, axis, 32);
    double error = 0.0;
    double plain = 0.0;
    const int64_t extent = weights.dims()[static_cast<size_t>(axis)];
    const int64_t lines = weights.dims()[static_cast<size_t>(1 - axis)];
    for (int64_t line = 0; line < lines; ++line)
      for (int64_t first = 0; first < extent; first += 32) {
        float largest = 0.0F;
        const auto at = [&](int64_t k) {
          return static_cast<size_t>(axis == 0 ? k * 24 + line : line * 24 + k);
        };
        const int64_t end = std::min(extent, first + 32);
        for (int64_t k = first; k < end; ++k)
          largest = std::max(largest, std::fabs(weights.as<float>()[at(k)]));
        for (int64_t k = first; k < end; ++k) {
          const double value = weights.as<float>()[at(k)];
          const double step = largest / 7.0;
          error += std::pow(real.as<float>()[at(k)] - value, 2);
          plain += std::pow(std::nearbyint(value / step) * step - value, 2);
        }
      }
    CHECK(error <= plain);
    CHECK(error > 0.5 * plain);
  }
}

TEST_CASE("what binary16 can't hold stays in float, and the report says so") {
  auto graph = std::make_shared<Graph>();
  const ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{Dim(2), Dim(40)}));
  std::vector<float> values(40 * 40, 1.0F);
  values[7] = 7e4F;
  const ValueId w = graph->add_constant("w", Tensor::of(Dims{40, 40}, values));
  graph->set_outputs({add(*graph, "MatMul", {x, w}, {}, "y")});
  REQUIRE(infer_graph(*graph).ok());
  quant::QuantizeOptions options;
  options.mode = quant::Mode::fp16;
  const auto report = quant::quantize(*graph, options, {});
  REQUIRE(report.ok());
  REQUIRE(report->nodes.size() == 1);
  CHECK(report->nodes[0].outcome == "float");
  CHECK(report->nodes[0].reason.find("'w'") != std::string::npos);
}
