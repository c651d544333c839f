// A decoder's step over caches of its own keys and values.
#include <doctest/doctest.h>

#include <set>

#include "engine/ops/evaluate.h"
#include "runtime/session/program.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using runtime::Program;
using runtime::Provider;

namespace {

enum class Odd { nothing, no_result, other_rows, mask, other_axis };

// The step of a decoder, as exporters write it.
std::shared_ptr<Graph> step(Odd odd) {
  const auto made = std::make_shared<Graph>();
  Graph& graph = *made;
  const auto op = [&](std::string_view name, std::vector<ValueId> inputs, const AttrMap& attrs) {
    const OpDef& def = require_op("", name);
    return graph.add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                        graph.unique_name(std::string(name)));
  };
  const auto input = [&](const char* name, Shape shape, DType type = DType::f32) {
    return graph.add_input(name, Type::tensor(type, std::move(shape)));
  };
  const Dim past = Dim::symbol("past");
  const ValueId q = input("q", Shape{8, 4, 1, 6});
  const ValueId rows = input("rows", Shape{8}, DType::s64);
  const ValueId others = input("others", Shape{8}, DType::s64);
  const bool square = odd == Odd::other_axis;
  const auto cache = [&](const char* name, const Dims& kept, ValueId by, int64_t axis) {
    Shape shape = to_shape(kept), more = to_shape(kept);
    shape[0] = Dim::symbol("hypotheses");
    shape[static_cast<size_t>(axis)] = square ? Dim(3) : past;
    more[static_cast<size_t>(axis)] = square ? Dim(3) : Dim(1);
    const ValueId state = input(name, shape), tail = input("", more);
    graph.value(tail).name = std::string(name) + "_new";
    return op("Concat", {op("Gather", {state, by}, {{"axis", int64_t{0}}}), tail},
              {{"axis", axis}});
  };
  const ValueId k = cache("k", {8, 4, 6, 6}, rows, square ? 2 : 3);
  const ValueId v = cache("v", {8, 4, 6, 6}, odd == Odd::other_rows ? others : rows, 2);
  ValueId scores = op("MatMul", {q, k}, {});
  if (odd == Odd::mask) scores = op("Add", {scores, input("mask", Shape{8, 1, 1, 1})}, {});
  const ValueId result = op("MatMul", {op("Softmax", {scores}, {}), v}, {});
  graph.set_outputs(odd == Odd::no_result ? std::vector{result, k} : std::vector{result, k, v});
  REQUIRE(infer_graph(graph).ok());
  return made;
}

std::shared_ptr<Program> compiled(Odd odd, const runtime::CompileOptions& options = {}) {
  auto program = Program::compile(step(odd), options);
  REQUIRE_MESSAGE(program.ok(), program.error().message);
  return *program;
}

std::multiset<std::string> kernels(const Program& program) {
  std::multiset<std::string> names;
  for (const auto& planned : program.plan().steps) names.insert(planned.info.kernel);
  return names;
}

// The step's inputs, with `past` keys of 7 rows.
std::vector<Tensor> inputs(int64_t past, int64_t last_row) {
  const auto rows = [](int64_t last) {
    return Tensor::of({8}, std::vector<int64_t>{6, 1, 2, 2, 4, 5, 0, last});
  };
  return {random_floats({8, 4, 1, 6}, 1),
          rows(last_row),
          rows(0),
          random_floats({7, 4, 6, past}, 2),
          random_floats({8, 4, 6, 1}, 3),
          random_floats({7, 4, past, 6}, 4),
          random_floats({8, 4, 1, 6}, 5)};
}

}  // namespace

TEST_CASE("decoder step: its own attention is one step, and what differs stays apart") {
  CHECK(kernels(*compiled(Odd::nothing)) == std::multiset<std::string>{"cached_attention_f32"});
  for (const Odd odd : {Odd::no_result, Odd::other_rows, Odd::mask, Odd::other_axis}) {
    CAPTURE(static_cast<int>(odd));
    const auto names = kernels(*compiled(odd));
    CHECK(names.count("cached_attention_f32") == 0);
    CHECK(names.count("attention_f32") == 1);
  }
}

TEST_CASE("decoder step: near plain loops at any length, with the same bits on any threads") {
  runtime::CompileOptions plain;
  plain.provider = Provider::reference;
  const auto oracle = compiled(Odd::nothing, plain);
  std::vector<std::shared_ptr<Program>> programs;
  for (const size_t threads : {1, 3}) {
    runtime::CompileOptions options;
    options.threads = threads;
    programs.push_back(compiled(Odd::nothing, options));
  }
  for (const int64_t past : {0, 1, 5, 15, 16, 40}) {
    CAPTURE(past);
    const auto expected = oracle->run(inputs(past, 3));
    const auto alone = programs[0]->run(inputs(past, 3));
    const auto shared = programs[1]->run(inputs(past, 3));
    REQUIRE((expected.ok() && alone.ok() && shared.ok()));
    CHECK(relative_difference((*alone)[0], (*expected)[0]) < 2e-6);
    for (size_t i = 0; i < 3; ++i) CHECK((*alone)[i] == (*shared)[i]);
    for (const size_t i : {1, 2}) CHECK((*alone)[i] == (*expected)[i]);
  }
}

TEST_CASE("decoder step: a row that isn't there is refused") {
  const auto run = compiled(Odd::nothing)->run(inputs(3, 7));
  REQUIRE_FALSE(run.ok());
  CHECK(run.error().message.find("index 7 is outside 7 rows") != std::string::npos);
}
