#include <doctest/doctest.h>

#include "engine/ops/op.h"
#include "engine/passes/pass.h"
#include "tests/support/op_data.h"

using namespace octet;

namespace {

struct Case {
  const char* name;
  std::vector<int> axes;        // Of x [n, s, 12], whose extents come first in the new shape,
  std::vector<int64_t> behind;  // and the numbers that follow.
  int64_t allowzero = 0;
  std::vector<int64_t> shape{};  // Constant; empty: still computed.
};
const Case kCases[] = {
    {"split heads", {0, 1}, {4, 3}, 0, {0, 0, 4, 3}},
    {"an open extent stays open", {0}, {-1}, 0, {0, -1}},
    {"an extent moved to another axis", {1, 0}, {12}},
    {"zeros that stand for themselves", {0, 1}, {12}, 1},
    {"a known extent is a number", {0, 1, 2}, {1}, 0, {0, 0, 12, 1}},
};

// Reshape(x, Concat(Shape(x) of each axis, numbers)).
NodeId computed_reshape(Graph& graph, const Case& c) {
  const auto op = [&](std::string_view name, std::vector<ValueId> inputs, const AttrMap& attrs) {
    const OpDef& def = require_op("", name);
    return graph.add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                        graph.unique_name(std::string(name)));
  };
  const Shape from{Dim::symbol("n"), Dim::symbol("s"), Dim(12)};
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, from));
  std::vector<ValueId> parts;
  for (const int axis : c.axes)
    parts.push_back(op("Shape", {x}, {{"start", int64_t{axis}}, {"end", int64_t{axis + 1}}}));
  const Dims count{static_cast<int64_t>(c.behind.size())};
  parts.push_back(graph.add_constant("behind", Tensor::of(count, c.behind)));
  const ValueId shape = op("Concat", parts, {{"axis", int64_t{0}}});
  const ValueId y = op("Reshape", {x, shape}, {{"allowzero", c.allowzero}});
  graph.set_outputs({y});
  return graph.value(y).producer;
}

}  // namespace

TEST_CASE("shapes that copy the input's extents become constants") {
  for (const Case& c : kCases) {
    INFO(c.name);
    Graph graph;
    const NodeId reshape = computed_reshape(graph, c);
    REQUIRE(infer_graph(graph).ok());
    const std::string before = to_string(*graph.value(graph.outputs()[0]).type.shape);
    REQUIRE(run_passes(graph, PassPhase::portable).ok());
    const Tensor* shape = graph.constant(graph.node(reshape).inputs[1]);
    REQUIRE((shape != nullptr) == !c.shape.empty());
    CHECK(to_string(*graph.value(graph.outputs()[0]).type.shape) == before);
    if (shape == nullptr) continue;
    CHECK(shape->to_int64() == c.shape);
    CHECK(graph.node_count() == 1);
  }
}
