#include "engine/quant/half_constants.h"

#include "engine/ops/evaluate.h"
#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;

namespace {

constexpr ValueId kAll = kNoValue;

// x [n, channels] + bias, twice; the second sum's node is called "second".
struct Sums {
  Graph graph;
  ValueId bias;
  ValueId first;
  ValueId second;

  explicit Sums(const Tensor& values) {
    const Dim channels(values.dims()[0]);
    const ValueId x =
        graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), channels}));
    bias = graph.add_constant("bias", values);
    first = add(graph, "Add", {x, bias}, {}, "first");
    second = add(graph, "Add", {first, bias}, {}, "second");
    graph.set_outputs({second});
    REQUIRE(infer_graph(graph).ok());
  }
  ValueId read_by(ValueId sum) const { return graph.node(graph.value(sum).producer).inputs[1]; }
};

Tensor with(Tensor values, float changed) {
  auto all = values.to_float();
  all[7] = changed;
  return Tensor::of(values.dims(), all);
}

}  // namespace

TEST_CASE("float constants become halfs behind one Cast, under their own name") {
  const Tensor values = random_tensor({100}, 1);
  Sums sums(values);
  REQUIRE(quant::store_rest_as_halfs(sums.graph, {}, kAll).ok());
  const ValueId wide = sums.read_by(sums.first);
  CHECK(wide == sums.read_by(sums.second));
  const Node& cast = sums.graph.node(sums.graph.value(wide).producer);
  CHECK(cast.op->name == "Cast");
  CHECK(sums.graph.value(cast.inputs[0]).name == "bias");
  CHECK(sums.graph.constant(cast.inputs[0])->dtype() == DType::f16);
  const Tensor x = random_tensor({3, 100}, 2);
  const Sums rounded(*convert_float(*convert_float(values, DType::f16), DType::f32));
  CHECK(result_of(sums.graph, x) == result_of(rounded.graph, x));
}

TEST_CASE("constants that halfs would hurt, or that the caller keeps, stay as they are") {
  struct Case {
    const char* name;
    Tensor values;
    ValueId end = kAll;
    std::vector<std::string> exclude{};
  };
  const Tensor normal = random_tensor({100}, 1);
  std::vector<float> tiny = normal.to_float();
  for (float& v : tiny) v = std::ldexp(v, -24);
  const Case cases[] = {
      {"few elements", random_tensor({63}, 1)},
      {"past binary16's range", with(normal, 7e4F)},
      {"not a number", with(normal, NAN)},
      {"below binary16's normal range", Tensor::of(Dims{100}, tiny)},
      {"made later than the end", normal, 1},
      {"read by excluded nodes", normal, kAll, {"first", "second"}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    Sums sums(c.values);
    quant::QuantizeOptions options;
    options.exclude = c.exclude;
    REQUIRE(quant::store_rest_as_halfs(sums.graph, options, c.end).ok());
    CHECK(sums.read_by(sums.first) == sums.bias);
    CHECK(sums.graph.node_count() == 2);
  }
}
