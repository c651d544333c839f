#include "engine/passes/pass.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attrs_of(std::string_view op, const AttrMap& map, int opset = kMaxOpset) {
  return require_op("", op).attrs.read(map, opset).value();
}

struct Moments {
  double mean = 0.0;
  double inverse = 0.0;
};

Moments moments(std::span<const float> row, double epsilon, bool centered) {
  Moments m;
  for (const float v : row) m.mean += centered ? static_cast<double>(v) : 0.0;
  m.mean /= static_cast<double>(row.size());
  double variance = 0.0;
  for (const float v : row) variance += (v - m.mean) * (v - m.mean);
  m.inverse = 1.0 / std::sqrt(variance / static_cast<double>(row.size()) + epsilon);
  return m;
}

}  // namespace

TEST_CASE("LayerNormalization and RMSNormalization: every row and instruction set") {
  struct Case {
    Dims dims;
    int64_t axis;
    size_t extent;
  };
  for (const Case& c :
       {Case{{3, 37}, -1, 37}, Case{{2, 3, 4}, 1, 12}, Case{{2, 3, 4}, 0, 24}, Case{{1, 1}, 1, 1}})
    for (const bool centered : {true, false})
      for (const CpuToken cpu : all_tokens()) {
        const char* op = centered ? "LayerNormalization" : "RMSNormalization";
        const size_t axis = normalize_axis(c.axis, c.dims.size()).value();
        const Dims normalized(c.dims.begin() + static_cast<ptrdiff_t>(axis), c.dims.end());
        const Tensor x = random_floats(c.dims, 5, -3.0F, 5.0F);
        const Tensor scale = random_floats(normalized, 6);
        const Tensor bias = random_floats(normalized, 7);
        std::vector<float> expected(x.count());
        for (size_t i = 0; i < x.count(); ++i) {
          const Moments m =
              moments(x.as<float>().subspan(i / c.extent * c.extent, c.extent), 1e-5, centered);
          expected[i] = static_cast<float>(
              (x.as<float>()[i] - m.mean) * m.inverse * scale.as<float>()[i % c.extent] +
              (centered ? static_cast<double>(bias.as<float>()[i % c.extent]) : 0.0));
        }
        NodeRunner node(op, attrs_of(op, {{"axis", c.axis}}));
        node.input(x).constant(scale);
        if (centered) node.constant(bias);
        node.output();
        CHECK(relative_difference(node.run("layernorm_f32", cpu)[0], Tensor::of(c.dims, expected)) <
              1e-5);
        CHECK(node.info().kernel == "layernorm_f32");
        CHECK(relative_difference(node.run("reference", cpu)[0], Tensor::of(c.dims, expected)) <
              1e-5);
      }
}

TEST_CASE("LayerNormalization stores the codes of what it would give, on every instruction set") {
  const Tensor x = random_floats({7, 37}, 5, -3.0F, 5.0F);
  const Tensor scale = random_floats({37}, 6);
  for (const QuantPtr& quant :
       {tensor_quant(DType::u8, 0.02F, 117), tensor_quant(DType::s8, 0.01F, -3)})
    for (const CpuToken cpu : all_tokens()) {
      NodeRunner real("LayerNormalization", attrs_of("LayerNormalization", {}));
      real.input(x).constant(scale).output();
      NodeRunner codes("LayerNormalization", attrs_of("LayerNormalization", {}));
      codes.input(x).constant(scale).output(quant);
      CHECK(codes.run("layernorm_f32", cpu)[0] ==
            quantized(real.run("layernorm_f32", cpu)[0], *quant));
    }
}

TEST_CASE("LayerNormalization: codes for one reader, whoever asks for dims besides") {
  for (const std::string_view other : {"Shape", "Size", "Abs"}) {
    Graph graph;
    const auto op = [&](std::string_view name, std::vector<ValueId> inputs) {
      return graph.add_op(require_op("", name), std::move(inputs), attrs_of(name, {}),
                          graph.unique_name(std::string(name)));
    };
    const auto number = [&](float v) { return graph.add_constant("", Tensor::scalar(v)); };
    const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{2, 4}));
    const ValueId row = graph.add_constant("row", random_floats({4}, 1));
    const ValueId zero = graph.add_constant("zero", Tensor::scalar(uint8_t{3}));
    const ValueId normal = op("LayerNormalization", {x, row});
    const ValueId codes = op("QuantizeLinear", {normal, number(0.1F), zero});
    const ValueId back = op("DequantizeLinear", {codes, number(0.1F), zero});
    graph.set_outputs({op("Relu", {back}), op(other, {normal})});
    REQUIRE(infer_graph(graph).ok());
    REQUIRE(run_passes(graph, PassPhase::fusion).ok());
    // LayerNormalization, Relu and the other reader; a node that rounds where elements are shared.
    CHECK(graph.node_count() == (other == "Abs" ? 4 : 3));
    CHECK((graph.value(normal).quant != nullptr) == (other != "Abs"));
  }
}

TEST_CASE("LayerNormalization gives its statistics") {
  const Tensor x = random_floats({2, 5}, 8);
  for (const char* row : {"layernorm_f32", "reference"}) {
    NodeRunner node("LayerNormalization", attrs_of("LayerNormalization", {}));
    node.input(x).constant(random_floats({5}, 9)).output().output().output();
    const auto outputs = node.run(row);
    for (size_t r = 0; r < 2; ++r) {
      const Moments m = moments(x.as<float>().subspan(r * 5, 5), 1e-5, true);
      CHECK(outputs[1].as<float>()[r] == doctest::Approx(m.mean).epsilon(1e-5));
      CHECK(outputs[2].as<float>()[r] == doctest::Approx(m.inverse).epsilon(1e-5));
    }
    CHECK(outputs[1].dims() == Dims{2, 1});
  }
}

TEST_CASE("a scale that differs between rows takes the reference row") {
  NodeRunner node("LayerNormalization", attrs_of("LayerNormalization", {}));
  node.input(Tensor::of(Dims{2, 2}, std::vector<float>{-1, 1, -1, 1}))
      .input(Tensor::of(Dims{2, 1}, std::vector<float>{1, 10}))
      .output();
  REQUIRE(node.rows() == std::vector<std::string>{"reference"});
  CHECK(relative_difference(node.run("reference")[0],
                            Tensor::of(Dims{2, 2}, std::vector<float>{-1, 1, -10, 10})) < 1e-4);
}

TEST_CASE("BatchNormalization scales channels") {
  for (const Dims& dims : {Dims{2, 3, 4, 5}, Dims{4, 3}, Dims{1, 3, 7}}) {
    const Tensor x = random_floats(dims, 10);
    const Tensor scale = random_floats({3}, 11);
    const Tensor shift = random_floats({3}, 12);
    const Tensor mean = random_floats({3}, 13);
    const Tensor variance = random_floats({3}, 14, 0.5F, 2.0F);
    const size_t pixels = x.count() / static_cast<size_t>(dims[0] * 3);
    std::vector<float> expected(x.count());
    for (size_t i = 0; i < x.count(); ++i) {
      const size_t c = i / pixels % 3;
      expected[i] =
          static_cast<float>((static_cast<double>(x.as<float>()[i]) - mean.as<float>()[c]) /
                                 std::sqrt(static_cast<double>(variance.as<float>()[c]) + 1e-3) *
                                 scale.as<float>()[c] +
                             shift.as<float>()[c]);
    }
    NodeRunner node("BatchNormalization", attrs_of("BatchNormalization", {{"epsilon", 1e-3F}}));
    node.input(x).constant(scale).constant(shift).constant(mean).constant(variance).output();
    for (const char* row : {"affine", "reference"})
      CHECK(relative_difference(node.run(row)[0], Tensor::of(dims, expected)) < 1e-5);
  }
}

TEST_CASE("BatchNormalization in training mode follows the batch") {
  NodeRunner node(
      "BatchNormalization",
      attrs_of("BatchNormalization",
               {{"training_mode", int64_t{1}}, {"momentum", 0.75F}, {"epsilon", 0.0F}}));
  const auto vector = [](float v) { return Tensor::of(Dims{1}, std::vector<float>{v}); };
  node.input(Tensor::of(Dims{2, 1}, std::vector<float>{1, 5}));
  node.input(vector(1)).input(vector(0)).input(vector(7)).input(vector(8));
  node.output().output().output();
  const auto outputs = node.run("reference");
  CHECK(outputs[0] == Tensor::of(Dims{2, 1}, std::vector<float>{-1, 1}));
  CHECK(outputs[1] == vector(0.75F * 7 + 0.25F * 3));
  CHECK(outputs[2] == vector(0.75F * 8 + 0.25F * 4));
}

TEST_CASE("BatchNormalization of single elements is refused") {
  Graph graph;
  std::vector<ValueId> inputs;
  for (int i = 0; i < 5; ++i)
    inputs.push_back(graph.add_input("i" + std::to_string(i), Type::tensor(DType::f32)));
  const ValueId y = graph.add_op(require_op("", "BatchNormalization"), inputs,
                                 attrs_of("BatchNormalization", {{"spatial", int64_t{0}}}, 7), "y");
  const NodeId id = graph.value(y).producer;
  CHECK_FALSE(graph.node(id).op->canonical({graph, id, 7}).ok());
}

TEST_CASE("InstanceNormalization and GroupNormalization: groups of channels are rows") {
  for (const int64_t groups : {2, 4}) {
    const Tensor x = random_floats({2, 4, 3, 5}, 20, -2.0F, 3.0F);
    const Tensor scale = random_floats({4}, 21);
    const Tensor bias = random_floats({4}, 22);
    const auto extent = static_cast<size_t>(4 / groups * 15);
    std::vector<float> expected(x.count());
    for (size_t i = 0; i < x.count(); ++i) {
      const Moments m = moments(x.as<float>().subspan(i / extent * extent, extent), 1e-5, true);
      const size_t c = i / 15 % 4;
      expected[i] = static_cast<float>((x.as<float>()[i] - m.mean) * m.inverse *
                                           static_cast<double>(scale.as<float>()[c]) +
                                       static_cast<double>(bias.as<float>()[c]));
    }
    for (const CpuToken cpu : all_tokens()) {
      const char* op = groups == 4 ? "InstanceNormalization" : "GroupNormalization";
      NodeRunner node(op, attrs_of(op, groups == 4 ? AttrMap{} : AttrMap{{"num_groups", groups}}));
      node.input(x).constant(scale).constant(bias).output();
      const Tensor wanted = Tensor::of(x.dims(), expected);
      CHECK(relative_difference(node.run("layernorm_f32", cpu)[0], wanted) < 1e-5);
      CHECK(relative_difference(node.run("reference", cpu)[0], wanted) < 1e-5);
    }
  }
}

TEST_CASE("GroupNormalization below opset 21 repeats the entries of its groups") {
  Graph graph;
  const ValueId x = graph.add_input(
      "x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), Dim(6), Dim::symbol("t")}));
  const ValueId scale = graph.add_input("s", Type::tensor(DType::f32, Shape{Dim(2)}));
  const ValueId y =
      graph.add_op(require_op("", "GroupNormalization"), {x, scale, scale},
                   attrs_of("GroupNormalization", {{"num_groups", int64_t{2}}}, 18), "y");
  const NodeId id = graph.value(y).producer;
  REQUIRE(graph.node(id).op->canonical({graph, id, 18}).ok());
  REQUIRE(infer_graph(graph).ok());
  for (const size_t i : {1, 2})
    CHECK(*graph.value(graph.node(id).inputs[i]).type.shape == Shape{Dim(6)});
}

TEST_CASE("LRN, LpNormalization and MeanVarianceNormalization by hand") {
  const Tensor x = Tensor::of(Dims{1, 3, 1}, std::vector<float>{1, 2, 3});
  NodeRunner lrn(
      "LRN",
      attrs_of("LRN", {{"size", int64_t{3}}, {"alpha", 3.0F}, {"beta", 1.0F}, {"bias", 1.0F}}));
  lrn.input(x).output();
  CHECK(relative_difference(
            lrn.run("reference")[0],
            Tensor::of(Dims{1, 3, 1}, std::vector<float>{1.0F / 6, 2.0F / 15, 3.0F / 14})) < 1e-6);
  for (const int64_t p : {1, 2}) {
    NodeRunner node("LpNormalization", attrs_of("LpNormalization", {{"p", p}}));
    node.input(Tensor::of(Dims{2, 2}, std::vector<float>{3, -4, 0, 0})).output();
    const float norm = p == 1 ? 7.0F : 5.0F;
    CHECK(relative_difference(
              node.run("reference")[0],
              Tensor::of(Dims{2, 2}, std::vector<float>{3 / norm, -4 / norm, 0, 0})) < 1e-6);
  }
  NodeRunner mvn("MeanVarianceNormalization",
                 attrs_of("MeanVarianceNormalization", {{"axes", std::vector<int64_t>{0}}}));
  mvn.input(Tensor::of(Dims{2, 2}, std::vector<float>{1, 10, 3, 30})).output();
  CHECK(relative_difference(mvn.run("reference")[0],
                            Tensor::of(Dims{2, 2}, std::vector<float>{-1, -1, 1, 1})) < 1e-6);
}
