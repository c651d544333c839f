#include <doctest/doctest.h>

#include "engine/ops/conv.h"
#include "engine/ops/op.h"
#include "runtime/session/program.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::runtime;
using namespace octet::testing;

namespace {

using Ints = std::vector<int64_t>;

struct Run {
  Tensor y;
  size_t transposes = 0;  // that did something, conversions of layout included
};

// Steps that a profile shows are those that ran.
Run run(const std::shared_ptr<Graph>& graph, const Tensor& x, bool fuse) {
  CompileOptions options;
  options.provider = Provider::native;
  options.fuse = fuse;
  const auto program = Program::compile(graph->clone(), options);
  REQUIRE(program.ok());
  Run result;
  RunOptions watched;
  watched.profile = [&](const StepProfile& step) {
    if (step.op == "Transpose" || step.info->kernel == "transpose") ++result.transposes;
  };
  auto outputs = (*program)->run(std::vector{x}, watched);
  REQUIRE(outputs.ok());
  result.y = (*outputs)[0];
  return result;
}

struct Writer {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  ValueId op(std::string_view name, std::vector<ValueId> inputs, const AttrMap& attrs = {}) {
    const OpDef& def = require_op("", name);
    return graph->add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                         graph->unique_name(std::string(name)));
  }
  ValueId transpose(ValueId x, const Ints& perm) { return op("Transpose", {x}, {{"perm", perm}}); }
  ValueId input(size_t rank) {
    Shape shape;
    for (size_t a = 0; a < rank; ++a) shape.push_back(Dim::symbol("d" + std::to_string(a)));
    return graph->add_input("x", Type::tensor(DType::f32, shape));
  }
};

}  // namespace

TEST_CASE("Transposes around a convolution of sequences move nothing") {
  Writer w;
  const ValueId x =
      w.graph->add_input("x", Type::tensor(DType::f32, Shape{2, Dim::symbol("t"), 24}));
  const ValueId channels = w.transpose(w.op("Sigmoid", {x}), {0, 2, 1});
  const ValueId weights = w.graph->add_constant("w", random_floats({32, 24, 3}, 1));
  const ValueId y = w.op("Conv", {channels, weights}, {{"pads", Ints{1, 1}}});
  w.graph->set_outputs({w.op("Sigmoid", {w.transpose(y, {0, 2, 1})})});
  REQUIRE(infer_graph(*w.graph).ok());
  const Tensor in = random_floats({2, 37, 24}, 2);
  const Run fused = run(w.graph, in, true);
  CHECK(fused.transposes == 0);
  CHECK(relative_difference(fused.y, run(w.graph, in, false).y) < 1e-6);
}

TEST_CASE("A Transpose whose extents alone are read doesn't run") {
  Writer w;
  const ValueId turned = w.transpose(w.op("Exp", {w.input(2)}), {1, 0});
  const ValueId one = w.graph->add_constant("one", Tensor::of({1}, std::vector<float>{1.0F}));
  w.graph->set_outputs({w.op("Expand", {one, w.op("Shape", {turned})})});
  REQUIRE(infer_graph(*w.graph).ok());
  const Run run_once = run(w.graph, random_floats({3, 70}, 1), true);
  CHECK(run_once.transposes == 0);
  CHECK(run_once.y.dims() == Dims{70, 3});
}

TEST_CASE("A Transpose that only moves axes of one element is a view, and no other is") {
  struct Case {
    Ints perm;
    Dims x;
    bool view;
  };
  const Case cases[] = {
      {{1, 0, 2}, {7, 1, 5}, true},        {{1, 0, 2}, {1, 7, 5}, true},
      {{1, 0, 2}, {7, 2, 5}, false},       {{2, 0, 1, 3}, {4, 3, 1, 2}, true},
      {{2, 1, 0, 3}, {4, 3, 1, 2}, false}, {{2, 1, 0}, {1, 6, 1}, true},
  };
  for (const Case& c : cases) {
    Writer w;
    const ValueId y = w.transpose(w.op("Exp", {w.input(c.perm.size())}), c.perm);
    // Both the original order and the other are read afterwards, one of them in place.
    const ValueId source = w.graph->node(w.graph->value(y).producer).inputs[0];
    const ValueId scaled =
        w.op("Mul", {w.op("Neg", {y}), w.graph->add_constant("two", Tensor::scalar(2.0F))});
    const ValueId sum = w.op("ReduceSum", {source});
    w.graph->set_outputs({w.op(
        "Add", {scaled, w.op("Add", {y, w.op("ReduceMax", {sum}, {{"keepdims", int64_t{0}}})})})});
    REQUIRE(infer_graph(*w.graph).ok());
    const Tensor x = random_floats(c.x, 3);
    const Run fused = run(w.graph, x, true);
    CHECK((fused.transposes == 0) == c.view);
    // y - 2 y + sum: the oracle walks x by logical index.
    double sum_of = 0.0;
    for (size_t i = 0; i < x.count(); ++i)
      sum_of += std::exp(static_cast<double>(x.as<float>()[i]));
    REQUIRE(fused.y.count() == x.count());
    Dims steps(c.x.size(), 1);
    for (size_t a = c.x.size() - 1; a-- > 0;) steps[a] = steps[a + 1] * c.x[a + 1];
    for (size_t i = 0; i < x.count(); ++i) {
      size_t rest = i, from = 0;
      for (size_t a = c.perm.size(); a-- > 0;) {
        const auto axis = static_cast<size_t>(c.perm[a]);
        from += rest % static_cast<size_t>(c.x[axis]) * static_cast<size_t>(steps[axis]);
        rest /= static_cast<size_t>(c.x[axis]);
      }
      const double e = std::exp(static_cast<double>(x.as<float>()[from]));
      CHECK(fused.y.as<float>()[i] == doctest::Approx(sum_of - e).epsilon(1e-5));
    }
  }
}
