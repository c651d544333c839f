#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attrs_of(std::string_view op, const AttrMap& map, int opset = kWrittenOpset) {
  return require_op("", op).attrs.read(map, opset).value();
}

using Text = std::string;

struct Case {
  const char* name;
  AttrMap attrs;
  std::vector<float> x;
  float scale;
  std::vector<float> y;
};

// Worked by hand from the coordinate formulas.
const Case kCases[] = {
    {"linear, half pixel", {{"mode", Text("linear")}}, {0, 4}, 2.0F, {0, 1, 3, 4}},
    {"linear, asymmetric",
     {{"mode", Text("linear")}, {"coordinate_transformation_mode", Text("asymmetric")}},
     {0, 4},
     2.0F,
     {0, 2, 4, 4}},
    {"linear, corners",
     {{"mode", Text("linear")}, {"coordinate_transformation_mode", Text("align_corners")}},
     {0, 6},
     2.0F,
     {0, 2, 4, 6}},
    {"linear, smaller without antialias", {{"mode", Text("linear")}}, {0, 8, 2, 4}, 0.5F, {4, 3}},
    {"linear, antialias: a triangle of twice the width",
     {{"mode", Text("linear")}, {"antialias", int64_t{1}}, {"exclude_outside", int64_t{1}}},
     {0, 7, 0, 0},
     0.5F,
     {3, 1}},
    {"nearest, half down", {}, {1, 2, 3, 4}, 0.5F, {1, 3}},
    {"nearest, half up", {{"nearest_mode", Text("round_prefer_ceil")}}, {1, 2, 3, 4}, 0.5F, {2, 4}},
    {"nearest, a fraction", {{"nearest_mode", Text("floor")}}, {1, 2}, 1.5F, {1, 1, 2}},
    {"cubic keeps a line inside",
     {{"mode", Text("cubic")}, {"coordinate_transformation_mode", Text("align_corners")}},
     {0, 3, 6, 9},
     1.0F,
     {0, 3, 6, 9}},
};

}  // namespace

TEST_CASE("Resize along one axis") {
  for (const Case& c : kCases) {
    INFO(c.name);
    NodeRunner node("Resize", attrs_of("Resize", c.attrs));
    const auto in = static_cast<int64_t>(c.x.size());
    const auto out = static_cast<int64_t>(c.y.size());
    node.input(Tensor::of(Dims{1, 1, in}, c.x)).absent();
    node.constant(Tensor::of(Dims{3}, std::vector<float>{1, 1, c.scale})).output();
    for (const char* row : {"resample", "reference"})
      CHECK(relative_difference(node.run(row)[0], Tensor::of(Dims{1, 1, out}, c.y)) < 1e-6);
  }
}

TEST_CASE("Resize to sizes along named axes, keeping the ratio") {
  for (const char* policy : {"not_larger", "not_smaller"}) {
    NodeRunner node("Resize", attrs_of("Resize", {{"axes", std::vector<int64_t>{2, -1}},
                                                  {"keep_aspect_ratio_policy", Text(policy)}}));
    node.input(random_floats({1, 1, 2, 4}, 1)).absent().absent();
    node.constant(Tensor::of(Dims{2}, std::vector<int64_t>{7, 8})).output();
    const bool smaller = std::string_view(policy) == "not_larger";
    CHECK(node.run("reference")[0].dims() == (smaller ? Dims{1, 1, 4, 8} : Dims{1, 1, 7, 14}));
  }
}

TEST_CASE("Resize takes a crop, and its own value outside") {
  NodeRunner node(
      "Resize", attrs_of("Resize", {{"mode", Text("linear")},
                                    {"coordinate_transformation_mode", Text("tf_crop_and_resize")},
                                    {"axes", std::vector<int64_t>{2}},
                                    {"extrapolation_value", 9.0F}}));
  node.input(Tensor::of(Dims{1, 1, 3}, std::vector<float>{0, 1, 2}));
  node.constant(Tensor::of(Dims{2}, std::vector<float>{0.5F, 1.5F})).absent();
  node.constant(Tensor::of(Dims{1}, std::vector<int64_t>{3})).output();
  CHECK(node.run("reference")[0] == Tensor::of(Dims{1, 1, 3}, std::vector<float>{1, 2, 9}));
}

TEST_CASE("Resize moves codes, and follows symbols") {
  const QuantPtr quant = tensor_quant(DType::u8, 0.1F, 7);
  NodeRunner node("Resize", attrs_of("Resize", {}));
  node.input(Tensor::of(Dims{1, 1, 2}, std::vector<uint8_t>{3, 200}), quant).absent();
  node.constant(Tensor::of(Dims{3}, std::vector<float>{1, 1, 2})).output(quant);
  CHECK(node.run("gather")[0] == Tensor::of(Dims{1, 1, 4}, std::vector<uint8_t>{3, 3, 200, 200}));

  Graph graph;
  const Dim h = Dim::symbol("h");
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{Dim(1), h, h}));
  const ValueId scales =
      graph.add_constant("s", Tensor::of(Dims{3}, std::vector<float>{1, 2, 0.5F}));
  const ValueId y =
      graph.add_op(require_op("", "Resize"), {x, kNoValue, scales}, attrs_of("Resize", {}), "y");
  REQUIRE(infer_node(graph, graph.value(y).producer).ok());
  const Shape& shape = *graph.value(y).type.shape;
  CHECK(shape[1] == h * Dim(2));
  CHECK(shape[2] == floor_div(h, Dim(2)));
}

TEST_CASE("Upsample becomes Resize") {
  Graph graph;
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{Dim(1), Dim(2)}));
  const ValueId y = graph.add_op(
      require_op("", "Upsample"), {x},
      attrs_of("Upsample", {{"mode", Text("linear")}, {"scales", std::vector<float>{1, 2}}}, 7),
      "y");
  const NodeId id = graph.value(y).producer;
  REQUIRE(graph.node(id).op->canonical({graph, id, 7}).ok());
  CHECK(graph.node(id).op->name == "Resize");
  CHECK(graph.node(id).inputs.size() == 3);
  const auto outputs = evaluate(graph, graph.node(id),
                                {Tensor::of(Dims{1, 2}, std::vector<float>{0, 4}), Tensor(),
                                 *graph.constant(graph.node(id).inputs[2])},
                                1024);
  REQUIRE(outputs.ok());
  CHECK((*outputs)[0] == Tensor::of(Dims{1, 4}, std::vector<float>{0, 2, 4, 4}));
}
