#include "engine/passes/pass.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

struct Case {
  const char* name;
  std::optional<Tensor> split;
  int64_t keepdims;
  int64_t position;
  const char* op;  ///< What the element becomes; "SequenceAt" when it stays.
  const char* shape;
};

const Case kCases[] = {
    {"one by one", std::nullopt, 1, 1, "Slice", "[n, 1]"},
    {"one by one, from the end", std::nullopt, 1, -1, "Slice", "[n, 1]"},
    {"without the axis", std::nullopt, 0, 2, "Gather", "[n]"},
    {"equal parts keep the axis", Tensor::scalar<int64_t>(2), 0, 1, "Slice", "[n, 2]"},
    {"listed parts", Tensor::of(Dims{3}, std::vector<int64_t>{1, 2, 3}), 1, -1, "Slice", "[n, 3]"},
};

}  // namespace

TEST_CASE("elements of a cut tensor become slices") {
  for (const Case& c : kCases) {
    INFO(c.name);
    Graph graph;
    const ValueId x =
        graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), Dim(6)}));
    const OpDef& split = require_op("", "SplitToSequence");
    std::vector<ValueId> inputs = {x};
    if (c.split) inputs.push_back(graph.add_constant("split", *c.split));
    const ValueId sequence = graph.add_op(
        split, inputs,
        split.attrs.read({{"axis", int64_t{1}}, {"keepdims", c.keepdims}}, 11).value(), "s");
    const ValueId at = graph.add_constant("at", Tensor::scalar(c.position));
    const ValueId y =
        graph.add_op(require_op("", "SequenceAt"), {sequence, at}, Attrs::of(NoAttrs{}), "y");
    graph.set_outputs({y});
    REQUIRE(run_passes(graph, PassPhase::portable).ok());
    const ValueId result = graph.outputs()[0];
    CHECK(graph.value(result).name == "y");
    CHECK(graph.node_count() == 1);
    CHECK(graph.node(graph.value(result).producer).op->name == c.op);
    std::string shape = to_string(*graph.value(result).type.shape);
    std::erase(shape, ' ');
    std::string expected = c.shape;
    std::erase(expected, ' ');
    CHECK(shape == expected);
  }
}
