#include <numeric>

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attrs_of(std::string_view op, const AttrMap& map, int opset = kWrittenOpset) {
  return require_op("", op).attrs.read(map, opset).value();
}

// Plain exponentials in double, column by column.
Tensor oracle(const Tensor& x, size_t axis, bool logarithm) {
  const auto extent = static_cast<size_t>(x.dims()[axis]);
  size_t inner = 1;
  for (size_t a = axis + 1; a < x.rank(); ++a) inner *= static_cast<size_t>(x.dims()[a]);
  std::vector<float> out(x.count());
  for (size_t i = 0; i < x.count(); ++i) {
    const size_t first = i / (extent * inner) * extent * inner + i % inner;
    double sum = 0.0;
    for (size_t k = 0; k < extent; ++k)
      sum += std::exp(static_cast<double>(x.as<float>()[first + k * inner]));
    const double value = std::exp(static_cast<double>(x.as<float>()[i])) / sum;
    out[i] = static_cast<float>(logarithm ? std::log(value) : value);
  }
  return Tensor::of(x.dims(), out);
}

}  // namespace

TEST_CASE("Softmax and LogSoftmax: every row and instruction set") {
  struct Case {
    Dims dims;
    int64_t axis;
  };
  for (const Case& c : {Case{{2, 17}, -1}, Case{{3, 5, 4}, 1}, Case{{1, 1}, 0}, Case{{2, 0, 3}, 1},
                        Case{{2, 3, 33}, 2}, Case{{7}, 0}}) {
    const Tensor x = random_floats(c.dims, 1, -4.0F, 4.0F);
    const auto axis =
        static_cast<size_t>(c.axis < 0 ? c.axis + static_cast<int64_t>(x.rank()) : c.axis);
    for (const bool logarithm : {false, true})
      for (const CpuToken cpu : all_tokens()) {
        const char* name = logarithm ? "LogSoftmax" : "Softmax";
        NodeRunner node(name, attrs_of(name, {{"axis", c.axis}}));
        node.input(x).output();
        const Tensor expected = oracle(x, axis, logarithm);
        CHECK(relative_difference(node.run("softmax_f32", cpu)[0], expected) < 1e-5);
        CHECK(node.info().kernel == "softmax_f32");
        CHECK(relative_difference(node.run("reference", cpu)[0], expected) < 1e-6);
      }
  }
}

TEST_CASE("Softmax and Hardmax below opset 13 flatten from their axis") {
  for (const auto& [op, axis] : {std::pair("Softmax", int64_t{1}), std::pair("Softmax", int64_t{2}),
                                 std::pair("Hardmax", int64_t{1})}) {
    Graph graph;
    const ValueId x =
        graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), Dim(2), Dim(3)}));
    AttrMap map;
    if (axis != 1) map["axis"] = axis;
    const ValueId y = graph.add_op(require_op("", op), {x}, attrs_of(op, map, 11), "y");
    graph.set_outputs({y});
    const NodeId id = graph.value(y).producer;
    REQUIRE(graph.node(id).op->canonical({graph, id, 11}).ok());
    REQUIRE(graph.sort());
    REQUIRE(infer_graph(graph).ok());
    CHECK(graph.node_count() == (axis == 2 ? 1 : 4));
    CHECK(graph.node(graph.value(y).producer).op->name == (axis == 2 ? op : "Reshape"));
    CHECK(to_string(*graph.value(y).type.shape) == to_string(*graph.value(x).type.shape));
  }
}
