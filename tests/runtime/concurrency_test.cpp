#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <thread>

#include "engine/ops/op.h"
#include "runtime/providers.h"
#include "runtime/session/program.h"

using namespace octet;
using namespace octet::runtime;

namespace {

constexpr int64_t kDepth = 40, kColumns = 96;
const std::vector<int64_t> kRows = {1, 7, 64, 300};
constexpr size_t kThreads = 4;
constexpr size_t kRunsPerThread = 24;

Tensor random_tensor(Dims dims, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(*checked_count(dims)));
  for (float& v : values) v = normal(random);
  return Tensor::of(std::move(dims), values);
}

ValueId add(Graph& graph, const char* op_name, std::vector<ValueId> inputs, const char* name) {
  const OpDef& op = require_op("", op_name);
  auto attrs = op.attrs.read({}, kMaxOpset);
  REQUIRE(attrs.ok());
  return graph.add_op(op, std::move(inputs), std::move(*attrs), name);
}

// A product split over threads, and a result whose dims depend on the data.
std::shared_ptr<Graph> sample_graph() {
  auto graph = std::make_shared<Graph>();
  const ValueId x =
      graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), kDepth}));
  const ValueId w = graph->add_constant("w", random_tensor({kDepth, kColumns}, 1));
  const ValueId y = add(*graph, "Relu", {add(*graph, "MatMul", {x, w}, "p")}, "y");
  graph->set_outputs({y, add(*graph, "NonZero", {y}, "z")});
  return graph;
}

std::shared_ptr<Program> compile(Provider provider, size_t threads) {
  CompileOptions options;
  options.provider = provider;
  options.threads = threads;
  options.share_small = true;
  options.cached_bindings = 2;  // fewer than the shapes: bindings are dropped while others run
  auto program = Program::compile(sample_graph(), options);
  REQUIRE(program.ok());
  return *program;
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].dims() != b[i].dims() || !std::ranges::equal(a[i].bytes(), b[i].bytes())) return false;
  return true;
}

void check_threads(Provider provider) {
  const auto program = compile(provider, 3);
  std::vector<Tensor> inputs;
  std::vector<std::vector<Tensor>> expected;
  for (const int64_t rows : kRows) {
    inputs.push_back(random_tensor({rows, kDepth}, static_cast<unsigned>(rows)));
    auto result = compile(provider, 3)->run(std::vector{inputs.back()});
    REQUIRE(result.ok());
    expected.push_back(std::move(*result));
  }
  std::atomic<size_t> wrong{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kRunsPerThread; ++i) {
        const size_t which = (i * (t + 1) + t) % kRows.size();
        const auto result = program->run(std::vector{inputs[which]});
        if (!result.ok() || !same(*result, expected[which])) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("threads that share a program get what each would get alone") {
  check_threads(Provider::native);
  for (const Provider provider : {Provider::onednn, Provider::xnnpack})
    if (provider_is_here(provider)) check_threads(provider);
}

TEST_CASE("programs are compiled and run by several threads at once") {
  const Tensor input = random_tensor({64, kDepth}, 5);
  const auto expected = compile(Provider::automatic, 2)->run(std::vector{input});
  REQUIRE(expected.ok());
  std::atomic<size_t> wrong{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      CompileOptions options;
      options.threads = 2;
      const auto program = Program::compile(sample_graph(), options);
      if (!program.ok()) {
        ++wrong;
        return;
      }
      for (size_t i = 0; i < 4; ++i) {
        const auto result = (*program)->run(std::vector{input});
        if (!result.ok() || !same(*result, *expected)) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
