#include <limits>
#include <numeric>

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attributes(std::string_view op, const AttrMap& map = {}, int opset = kWrittenOpset) {
  auto attrs = require_op("", op).attrs.read(map, opset);
  REQUIRE(attrs.ok());
  return *attrs;
}

Tensor integers(const std::vector<int64_t>& values) {
  return Tensor::of({static_cast<int64_t>(values.size())}, values);
}

Tensor counted(Dims dims) {
  std::vector<float> values(static_cast<size_t>(*checked_count(dims)));
  std::iota(values.begin(), values.end(), 0.0F);
  return Tensor::of(std::move(dims), values);
}

// A graph of one node over an input of symbolic dims and constants, brought into the newest form.
struct Symbolic {
  Graph graph;
  NodeId id = kNoNode;

  Symbolic(std::string_view op, const AttrMap& map, Shape shape, const std::vector<Tensor>& rest,
           int opset = kWrittenOpset) {
    Node node;
    node.op = &require_op("", op);
    node.opset = opset;
    node.attrs = attributes(op, map, opset);
    node.inputs.push_back(graph.add_input("x", Type::tensor(DType::f32, std::move(shape))));
    for (size_t i = 0; i < rest.size(); ++i)
      node.inputs.push_back(graph.add_constant("c" + std::to_string(i), rest[i]));
    node.outputs.push_back(graph.add_value("y"));
    id = graph.add_node(std::move(node));
    if (const auto canonical = graph.node(id).op->canonical)
      CHECK(canonical({graph, id, opset}).ok());
    CHECK(infer_node(graph, id).ok());
  }
  const Value& y() const { return graph.value(graph.node(id).outputs[0]); }
};

}  // namespace

TEST_CASE("shapes of moved elements follow symbols") {
  const Dim batch = Dim::symbol("batch");
  const Dim time = Dim::symbol("time");
  const int64_t open = std::numeric_limits<int64_t>::max();
  struct Case {
    const char* name;
    const char* op;
    AttrMap attrs;
    std::vector<Tensor> inputs;
    Shape expected;
    int opset = kWrittenOpset;
  };
  const Case cases[] = {
      {"copied and open extents", "Reshape", {}, {integers({0, -1, 4, 8})}, {batch, time, 4, 8}},
      {"all in one", "Reshape", {}, {integers({-1, 32})}, {batch * time, 32}},
      {"axes as an attribute",
       "Unsqueeze",
       {{"axes", std::vector<int64_t>{0, -1}}},
       {},
       {1, batch, time, 32, 1},
       11},
      {"to the end",
       "Slice",
       {},
       {integers({1}), integers({open}), integers({1})},
       {batch, time - Dim(1), 32}},
      {"flipped",
       "Slice",
       {},
       {integers({-1}), integers({-open}), integers({1}), integers({-1})},
       {batch, time, 32}},
      {"bounds as attributes",
       "Slice",
       {{"starts", std::vector<int64_t>{0}},
        {"ends", std::vector<int64_t>{-1}},
        {"axes", std::vector<int64_t>{1}}},
       {},
       {batch, time - Dim(1), 32},
       9},
      {"permuted", "Transpose", {{"perm", std::vector<int64_t>{2, 0, 1}}}, {}, {32, batch, time}},
      {"padded as an attribute",
       "Pad",
       {{"pads", std::vector<int64_t>{0, 2, 0, 0, 3, 0}}},
       {},
       {batch, time + Dim(5), 32},
       10},
      {"reduced", "ReduceMean", {{"axes", std::vector<int64_t>{-1}}}, {}, {batch, time, 1}, 13},
      {"tiled", "Tile", {}, {integers({2, 1, 1})}, {batch * Dim(2), time, 32}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Symbolic node(c.op, c.attrs, {batch, time, 32}, c.inputs, c.opset);
    REQUIRE(node.y().type.shape.has_value());
    CHECK(to_string(*node.y().type.shape) == to_string(c.expected));
  }
}

TEST_CASE("shape arithmetic keeps its elements") {
  Graph graph;
  const Dim frames = Dim::symbol("frames");
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{2, frames}));
  const ValueId shape = graph.add_op(require_op("", "Shape"), {x}, attributes("Shape"), "s");
  const ValueId index = graph.add_constant("i", Tensor::scalar(int64_t{-1}));
  const ValueId extent =
      graph.add_op(require_op("", "Gather"), {shape, index}, attributes("Gather"), "e");
  const ValueId four = graph.add_constant("four", Tensor::scalar(int64_t{4}));
  const ValueId product =
      graph.add_op(require_op("", "Mul"), {extent, four}, attributes("Mul"), "p");
  const ValueId half = graph.add_constant("two", Tensor::scalar(int64_t{2}));
  const ValueId quotient =
      graph.add_op(require_op("", "Div"), {product, half}, attributes("Div"), "q");
  REQUIRE(infer_graph(graph).ok());
  REQUIRE(graph.value(quotient).elements.has_value());
  CHECK(graph.value(quotient).elements->front() == frames * Dim(2));
}

TEST_CASE("elements move whatever their type, empty tensors too") {
  const auto run = [](NodeRunner& runner, std::string_view row) { return runner.run(row)[0]; };
  SUBCASE("a slice with a negative step") {
    NodeRunner runner("Slice", attributes("Slice"));
    runner.input(counted({2, 3})).constant(integers({-1})).constant(integers({-100}));
    runner.constant(integers({-1})).constant(integers({-2})).output();
    CHECK(run(runner, "copy") == Tensor::of({2, 2}, std::vector<float>{2, 0, 5, 3}));
  }
  SUBCASE("an empty slice") {
    NodeRunner runner("Slice", attributes("Slice"));
    runner.input(counted({4})).constant(integers({4})).constant(integers({9})).output();
    CHECK(run(runner, "copy").dims() == Dims{0});
  }
  SUBCASE("a reflection wider than the axis") {
    NodeRunner runner("Pad", attributes("Pad", {{"mode", std::string("reflect")}}));
    runner.input(counted({1, 2})).constant(integers({0, 3, 0, 1})).output();
    CHECK(run(runner, "reference") == Tensor::of({1, 6}, std::vector<float>{1, 0, 1, 0, 1, 0}));
  }
  SUBCASE("bytes side by side") {
    NodeRunner runner("Concat", attributes("Concat", {{"axis", int64_t{-1}}}));
    runner.input(Tensor::of({2, 1}, std::vector<uint8_t>{1, 2}));
    runner.input(Tensor::of({2, 0}, std::vector<uint8_t>{}));
    runner.input(Tensor::of({2, 2}, std::vector<uint8_t>{3, 4, 5, 6})).output();
    CHECK(run(runner, "copy") == Tensor::of({2, 3}, std::vector<uint8_t>{1, 3, 4, 2, 5, 6}));
  }
}

TEST_CASE("codes move as they are, and rows of a table leave it as numbers") {
  const QuantPtr quant = tensor_quant(DType::s8, 0.5F, 3);
  const Tensor codes = random_codes<int8_t>({2, 6}, 5);
  NodeRunner transpose("Transpose", attributes("Transpose"));
  transpose.input(codes, quant).output(quant);
  const Tensor turned = transpose.run("transpose")[0];
  REQUIRE(turned.dtype() == DType::s8);
  CHECK(turned.as<int8_t>()[1] == codes.as<int8_t>()[6]);

  QuantType rows;
  rows.storage = DType::s8;
  rows.scale = Tensor::of({2}, std::vector<float>{0.5F, 2.0F});
  NodeRunner gather("Gather", attributes("Gather"));
  gather.constant(codes, std::make_shared<const QuantType>(rows));
  gather.input(integers({1, -2})).output();
  const Tensor picked = gather.run("gather_stored")[0];
  REQUIRE(picked.dims() == Dims{2, 6});
  CHECK(picked.as<float>()[2] == 2.0F * codes.as<int8_t>()[8]);
  CHECK(picked.as<float>()[8] == 0.5F * codes.as<int8_t>()[2]);
}

TEST_CASE("arithmetic on codes is within a step of the arithmetic on numbers") {
  const QuantPtr a_quant = tensor_quant(DType::u8, 0.02F, 128);
  const QuantPtr b_quant = tensor_quant(DType::s8, 0.01F, -5);
  const QuantPtr y_quant = tensor_quant(DType::u8, 0.04F, 100);
  struct Case {
    const char* name;
    Dims a;
    Dims b;
  };
  const Case cases[] = {
      {"same shape", {2, 3, 17}, {2, 3, 17}},
      {"a row", {2, 3, 17}, {17}},
      {"a scalar", {3, 5}, {}},
      {"a channel", {2, 3, 4, 5}, {3, 1, 1}},
      {"both ways", {4, 1, 6}, {1, 3, 1}},
  };
  for (const Case& c : cases)
    for (const char* op : {"Add", "Sub", "Mul"}) {
      CAPTURE(c.name);
      CAPTURE(op);
      NodeRunner runner(op, attributes(op));
      runner.input(random_codes<uint8_t>(c.a, 3), a_quant);
      runner.input(random_codes<int8_t>(c.b, 4), b_quant).output(y_quant);
      const Tensor codes = runner.run("elementwise_s8")[0];
      const Tensor real = runner.run("reference")[0];
      REQUIRE(codes.dims() == real.dims());
      int worst = 0;
      for (size_t i = 0; i < codes.count(); ++i)
        worst = std::max(worst, std::abs(codes.as<uint8_t>()[i] - real.as<uint8_t>()[i]));
      CHECK(worst <= 1);
    }
}

TEST_CASE("a table of 256 values is the function of the codes") {
  const QuantPtr in = tensor_quant(DType::s8, 0.05F, 7);
  const QuantPtr out = tensor_quant(DType::u8, 1.0F / 256, 0);
  NodeRunner runner("Sigmoid", attributes("Sigmoid"));
  runner.input(random_codes<int8_t>({300}, 9), in).output(out);
  const Tensor codes = runner.run("lut_s8")[0];
  CHECK(codes == runner.run("reference")[0]);
}

TEST_CASE("integers of reductions whose real result is no number, or past them, are the nearest") {
  const auto of_one = [](std::string_view op, int64_t x) {
    Graph graph;
    Node node;
    node.op = &require_op("", op);
    node.attrs = attributes(op);
    node.inputs.push_back(graph.add_constant("x", Tensor::of<int64_t>({1}, {x})));
    node.outputs.push_back(graph.add_value("y"));
    const auto result = evaluate(graph, node, size_t{1} << 20);
    REQUIRE_MESSAGE(result.ok(), result.error().message);
    return (*result)[0].as<int64_t>()[0];
  };
  // Its square wraps around to a number below 0.
  CHECK(of_one("ReduceL2", 3037000500) == 0);
  CHECK(of_one("ReduceL2", -12) == 12);
  CHECK(of_one("ReduceL1", INT64_MIN) == INT64_MIN);
}

TEST_CASE("indices that reach past the data, or past the updates, are an error") {
  const auto fails = [](std::string_view op, const std::vector<Tensor>& inputs) {
    Graph graph;
    Node node;
    node.op = &require_op("", op);
    node.attrs = attributes(op, {{"axis", int64_t{1}}});
    for (const Tensor& input : inputs)
      node.inputs.push_back(graph.add_constant(graph.unique_name("c"), input));
    node.outputs.push_back(graph.add_value("y"));
    const auto result = evaluate(graph, node, size_t{1} << 20);
    return !result.ok() && result.error().code == ErrorCode::invalid_data;
  };
  const auto zeros = [](Dims dims) { return *Tensor::zeros(DType::s64, std::move(dims)); };
  CHECK(fails("GatherElements", {counted({2, 3}), zeros({3, 2})}));
  CHECK_FALSE(fails("GatherElements", {counted({2, 3}), zeros({1, 9})}));
  CHECK(fails("ScatterElements", {counted({2, 3}), zeros({2, 3}), counted({2, 2})}));
  CHECK(fails("ScatterElements", {counted({2, 3}), zeros({3, 1}), counted({3, 1})}));
  CHECK_FALSE(fails("ScatterElements", {counted({2, 3}), zeros({2, 1}), counted({2, 1})}));
}
