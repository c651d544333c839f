#include <doctest/doctest.h>

#include "engine/ops/op.h"
#include "runtime/memory/planner.h"
#include "runtime/session/program.h"

using namespace octet;
using namespace octet::runtime;

namespace {

std::shared_ptr<Graph> relu_chain(size_t length) {
  auto graph = std::make_shared<Graph>();
  ValueId value = graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), 2}));
  for (size_t i = 0; i < length; ++i)
    value = graph->add_op(require_op("", "Relu"), {value}, Attrs::of(NoAttrs{}),
                          "y" + std::to_string(i));
  graph->set_outputs({value});
  return graph;
}

}  // namespace

TEST_CASE("a program runs at several extents and refuses contradicting ones") {
  auto program = Program::compile(relu_chain(3), {});
  REQUIRE(program.ok());
  for (const int64_t n : {1, 5, 3, 5}) {
    std::vector<float> values(static_cast<size_t>(n) * 2);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 2.0F;
    const Tensor input = Tensor::of(Dims{n, 2}, values);
    auto outputs = (*program)->run(std::vector{input});
    REQUIRE(outputs.ok());
    CHECK((*outputs)[0].dims() == Dims{n, 2});
    for (size_t i = 0; i < values.size(); ++i)
      CHECK((*outputs)[0].as<float>()[i] == std::max(values[i], 0.0F));
  }
  const auto wrong = (*program)->run(std::vector{Tensor::of(Dims{1, 3}, std::vector<float>(3))});
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message == "input 'x': axis 1 is 3, the model has 2");
}

TEST_CASE("buffers that live at the same time never overlap") {
  std::vector<Lifetime> lifetimes;
  for (size_t i = 0; i < 200; ++i)
    lifetimes.push_back({(i * 37) % 1000 + 1, i / 2, i / 2 + (i * 13) % 7});
  const MemoryPlan plan = plan_memory(lifetimes);
  for (size_t a = 0; a < lifetimes.size(); ++a) {
    CHECK(plan.offsets[a] + lifetimes[a].bytes <= plan.bytes);
    for (size_t b = 0; b < a; ++b) {
      const bool together = lifetimes[b].last >= lifetimes[a].first;
      const bool apart = plan.offsets[a] + lifetimes[a].bytes <= plan.offsets[b] ||
                         plan.offsets[b] + lifetimes[b].bytes <= plan.offsets[a];
      CHECK((!together || apart));
    }
  }
}
