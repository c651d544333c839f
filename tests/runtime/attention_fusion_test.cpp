#include <doctest/doctest.h>

#include "engine/ops/op.h"
#include "engine/quant/quantize.h"
#include "runtime/session/program.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::runtime;
using namespace octet::testing;

namespace {

using Ints = std::vector<int64_t>;

// A self-attention over x [2, t, 24] of four heads, as an exporter writes it.
struct Writer {
  Graph& graph;
  ValueId x;

  ValueId op(std::string_view name, std::vector<ValueId> inputs, const AttrMap& attrs = {}) {
    const OpDef& def = require_op("", name);
    return graph.add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                        graph.unique_name(std::string(name)));
  }
  ValueId constant(const Tensor& tensor) {
    return graph.add_constant(graph.unique_name("c"), tensor);
  }
  ValueId number(float value) { return constant(Tensor::scalar(value)); }
  // [2, t, 4, 6], its axes in the order `perm`.
  ValueId heads(unsigned seed, const Ints& perm) {
    const ValueId y = op("MatMul", {x, constant(random_floats({24, 24}, seed))});
    const ValueId split = op("Reshape", {y, constant(Tensor::of({4}, Ints{2, -1, 4, 6}))});
    return op("Transpose", {split}, {{"perm", perm}});
  }
  ValueId queries() { return heads(1, {0, 2, 1, 3}); }
  ValueId keys() { return heads(2, {0, 2, 3, 1}); }
  ValueId attend(ValueId scores) {
    const ValueId weights = op("Softmax", {scores}, {{"axis", int64_t{-1}}});
    const ValueId y = op("MatMul", {weights, heads(3, {0, 2, 1, 3})});
    const ValueId merged = op("Transpose", {y}, {{"perm", Ints{0, 2, 1, 3}}});
    const ValueId flat = op("Reshape", {merged, constant(Tensor::of({3}, Ints{2, -1, 24}))});
    return op("MatMul", {flat, constant(random_floats({24, 24}, 4))});
  }
};

struct Case {
  const char* name;
  ValueId (*build)(Writer&);
};

const Case kCases[] = {
    {"scaled scores and an added mask",
     [](Writer& w) {
       const ValueId scores =
           w.op("Div", {w.op("MatMul", {w.queries(), w.keys()}), w.number(2.5F)});
       return w.attend(w.op("Add", {scores, w.constant(random_floats({2, 1, 1, 1}, 5))}));
     }},
    {"scaled queries and a mask chosen by a condition of the scores' shape",
     [](Writer& w) {
       const ValueId scores =
           w.op("MatMul", {w.op("Div", {w.queries(), w.number(2.5F)}), w.keys()});
       const ValueId sum = w.op("ReduceSum", {w.x, w.constant(Tensor::of({1}, Ints{2}))});
       const ValueId rows = w.op("Reshape", {sum, w.constant(Tensor::of({4}, Ints{2, 1, 1, -1}))});
       const ValueId hidden = w.op("Less", {rows, w.number(-3.0F)});
       const ValueId wide = w.op("Expand", {hidden, w.op("Shape", {scores})});
       return w.attend(w.op("Where", {wide, w.number(-1e30F), scores}));
     }},
    {"queries in quarters, whose codes are those of whole ones",
     [](Writer& w) {
       const ValueId queries = w.op("Div", {w.queries(), w.number(4.0F)});
       return w.attend(w.op("MatMul", {queries, w.keys()}));
     }},
    {"a bias before the scale",
     [](Writer& w) {
       const ValueId bias = w.op("MatMul", {w.queries(), w.heads(6, {0, 2, 3, 1})});
       const ValueId sum =
           w.op("Add", {w.op("MatMul", {w.queries(), w.keys()}), w.op("Abs", {bias})});
       return w.attend(w.op("Mul", {sum, w.number(0.4F)}));
     }},
};

std::shared_ptr<Graph> build(const Case& test) {
  auto graph = std::make_shared<Graph>();
  const Shape dims{2, Dim::symbol("t"), 24};
  Writer writer{*graph, graph->add_input("x", Type::tensor(DType::f32, dims))};
  graph->set_outputs({test.build(writer)});
  REQUIRE(infer_graph(*graph).ok());
  return graph;
}

std::shared_ptr<Program> compiled(const Graph& graph, bool fuse, size_t threads = 2) {
  CompileOptions options;
  options.fuse = fuse;
  options.threads = threads;
  auto program = Program::compile(graph.clone(), options);
  REQUIRE(program.ok());
  return *program;
}

Tensor run(Program& program, const Tensor& x) {
  auto outputs = program.run(std::vector{x});
  REQUIRE(outputs.ok());
  return (*outputs)[0];
}

// One attention step of that kernel, and nothing left of what it replaced.
void check_plan(const Program& program, const std::string& kernel) {
  size_t fused = 0;
  for (const auto& step : program.plan().steps) {
    const std::string name = step.node == kNoNode
                                 ? std::string()
                                 : std::string(program.plan().graph->node(step.node).op->name);
    CHECK(name != "Softmax");
    CHECK(name != "Expand");
    if (name != "Attention") continue;
    ++fused;
    CHECK(step.info.kernel == kernel);
  }
  CHECK(fused == 1);
}

}  // namespace

TEST_CASE("Attention: exporters' forms become one float step with the same results") {
  for (const Case& test : kCases) {
    CAPTURE(std::string(test.name));
    const auto graph = build(test);
    const auto fused = compiled(*graph, true);
    check_plan(*fused, "attention_f32");
    const auto plain = compiled(*graph, false);
    for (const int64_t t : {1, 5, 37}) {
      const Tensor x = random_floats({2, t, 24}, static_cast<unsigned>(t));
      CHECK(relative_difference(run(*fused, x), run(*plain, x)) < 5e-6);
    }
  }
}

TEST_CASE("Attention: static quantization's forms become one step of codes") {
  const Tensor x = random_floats({2, 37, 24}, 7);
  for (const Case& test : kCases) {
    CAPTURE(std::string(test.name));
    const auto graph = build(test);
    const auto calibrate = [&](const Graph& seen, const quant::ValueSink& sink) -> Result<size_t> {
      CompileOptions options;
      options.fuse = false;
      OCTET_ASSIGN(const auto program, Program::compile(seen.clone(), options));
      RunOptions watched;
      watched.observer = sink;
      auto outputs = program->run(std::vector{x}, watched);
      if (!outputs) return std::move(outputs).error();
      return 1;
    };
    REQUIRE(quant::quantize(*graph, {}, {calibrate}).ok());
    const auto fused = compiled(*graph, true);
    check_plan(*fused, "attention_s8");
    const Tensor y = run(*fused, x);
    // The same rounding in floats: a few codes may fall on the other side of a tie.
    CHECK(relative_difference(y, run(*compiled(*graph, false), x)) < 0.01);
    CHECK(run(*compiled(*graph, true, 1), x) == y);
  }
}

TEST_CASE("Attention: a function of the scores isn't lost") {
  auto graph = std::make_shared<Graph>();
  const Shape dims{2, Dim::symbol("t"), 24};
  Writer w{*graph, graph->add_input("x", Type::tensor(DType::f32, dims))};
  const ValueId scores = w.op("Div", {w.op("MatMul", {w.queries(), w.keys()}), w.number(4.0F)});
  graph->set_outputs({w.attend(w.op("Mul", {w.op("Tanh", {scores}), w.number(4.0F)}))});
  REQUIRE(infer_graph(*graph).ok());
  const Tensor x = random_floats({2, 9, 24}, 3);
  CHECK(relative_difference(run(*compiled(*graph, true), x), run(*compiled(*graph, false), x)) <
        5e-6);
}
