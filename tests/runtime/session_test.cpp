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

// An operator whose symbolic dims are its input's, its known ones one more.
Status infer_longer(InferContext& context) {
  Shape shape = context.shape(0);
  if (shape[0].known()) shape[0] = shape[0] + Dim(1);
  context.set_tensor(0, context.dtype(0), shape);
  return {};
}
Status run_longer(const Attrs& /*attrs*/, RunContext& context) {
  std::fill_n(context.output(0).as<float>(), context.output(0).count(), 7.0F);
  return {};
}
constexpr Implementation kLongerRows[] = {reference<run_longer>()};
const OpDef kLonger = {.domain = "test",
                       .name = "Longer",
                       .inputs = {1, 1},
                       .infer = infer_longer,
                       .implementations = kLongerRows,
                       .foldable = false};

}  // namespace

TEST_CASE("values of one symbolic type whose dims differ are bound apart") {
  auto graph = std::make_shared<Graph>();
  const ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n")}));
  const ValueId longer = graph->add_op(kLonger, {x}, Attrs::of(NoAttrs{}), "longer");
  graph->set_outputs({graph->add_op(require_op("", "Relu"), {x}, Attrs::of(NoAttrs{}), "a"),
                      graph->add_op(require_op("", "Relu"), {longer}, Attrs::of(NoAttrs{}), "b")});
  const auto program = Program::compile(std::move(graph), {});
  REQUIRE(program.ok());
  for (const int64_t n : {4, 2}) {
    const std::vector<float> ones(static_cast<size_t>(n), 1.0F);
    const auto outputs = (*program)->run(std::vector{Tensor::of(Dims{n}, ones)});
    REQUIRE(outputs.ok());
    CHECK((*outputs)[0] == Tensor::of(Dims{n}, ones));
    CHECK((*outputs)[1] == Tensor::of(Dims{n + 1}, std::vector<float>(ones.size() + 1, 7.0F)));
  }
}

TEST_CASE("more lengths than are remembered give what each gives alone") {
  CompileOptions options;
  options.cached_bindings = 2;
  const auto program = Program::compile(relu_chain(4), options);
  REQUIRE(program.ok());
  for (const int64_t n : {3, 9, 1, 7, 3, 12, 9}) {
    std::vector<float> values(static_cast<size_t>(n) * 2);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 5.0F;
    const auto outputs = (*program)->run(std::vector{Tensor::of(Dims{n, 2}, values)});
    REQUIRE(outputs.ok());
    for (float& value : values) value = std::max(value, 0.0F);
    CHECK((*outputs)[0] == Tensor::of(Dims{n, 2}, values));
  }
}

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

TEST_CASE("dims that an operator's signature forbids are refused when they become known") {
  auto graph = std::make_shared<Graph>();
  const ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{2, 2}));
  const ValueId k = graph->add_input("k", Type::tensor(DType::s64, Shape{Dim::symbol("m")}));
  const OpDef& trilu = require_op("", "Trilu");
  graph->set_outputs({graph->add_op(trilu, {x, k}, *trilu.attrs.read({}, kMaxOpset), "y")});
  const auto program = Program::compile(std::move(graph), {});
  REQUIRE(program.ok());
  const Tensor ones = Tensor::of(Dims{2, 2}, std::vector<float>(4, 1.0F));
  CHECK((*program)->run(std::vector{ones, Tensor::of(Dims{1}, std::vector<int64_t>{0})}).ok());
  const auto wrong =
      (*program)->run(std::vector{ones, Tensor::of(Dims{2}, std::vector<int64_t>{0, 1})});
  REQUIRE(!wrong.ok());
  CHECK(wrong.error().code == ErrorCode::invalid_data);
  CHECK(wrong.error().message.find("its input 1 has 2 elements") != std::string::npos);
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
