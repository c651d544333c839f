#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attrs_of(std::string_view op, const AttrMap& map, int opset = kMaxOpset) {
  return require_op("", op).attrs.read(map, opset).value();
}

}  // namespace

TEST_CASE("NonMaxSuppression keeps the best of overlapping boxes") {
  const Tensor corners = Tensor::of(
      Dims{1, 4, 4}, std::vector<float>{0, 0, 1, 1, 1, 1.1F, 0, 0.1F, 0, 5, 1, 6, 0, 9, 1, 10});
  const Tensor scores = Tensor::of(Dims{1, 1, 4}, std::vector<float>{0.8F, 0.9F, 0.9F, 0.1F});
  NodeRunner node("NonMaxSuppression", attrs_of("NonMaxSuppression", {}));
  node.input(corners).input(scores).constant(Tensor::scalar<int64_t>(3));
  node.constant(Tensor::scalar(0.5F)).constant(Tensor::scalar(0.2F)).output();
  CHECK(node.run("reference")[0] == Tensor::of(Dims{2, 3}, std::vector<int64_t>{0, 0, 1, 0, 0, 2}));

  NodeRunner none("NonMaxSuppression", attrs_of("NonMaxSuppression", {}));
  none.input(corners).input(scores).output();
  CHECK(none.run("reference")[0].dims() == Dims{0, 3});
}

TEST_CASE("RoiAlign averages samples of a ramp") {
  std::vector<float> ramp(16);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i % 4);
  const Tensor x = Tensor::of(Dims{1, 1, 4, 4}, ramp);
  const Tensor rois = Tensor::of(Dims{1, 4}, std::vector<float>{1, 1, 3, 3});
  for (const int opset : {10, 16}) {
    Graph graph;
    const ValueId in = graph.add_constant("x", x);
    const ValueId regions = graph.add_constant("r", rois);
    const ValueId batch = graph.add_constant("b", Tensor::of(Dims{1}, std::vector<int64_t>{0}));
    const ValueId y = graph.add_op(
        require_op("", "RoiAlign"), {in, regions, batch},
        attrs_of("RoiAlign", {{"output_width", int64_t{2}}, {"sampling_ratio", int64_t{2}}}, opset),
        "y");
    const NodeId id = graph.value(y).producer;
    REQUIRE(graph.node(id).op->canonical({graph, id, opset}).ok());
    const auto outputs = evaluate(graph, graph.node(id), 1024);
    REQUIRE(outputs.ok());
    // Centres of the bins at 1.5 and 2.5, half a pixel less in the newer convention.
    const float shift = opset == 10 ? 0.0F : 0.5F;
    CHECK(relative_difference(
              (*outputs)[0],
              Tensor::of(Dims{1, 1, 1, 2}, std::vector<float>{1.5F - shift, 2.5F - shift})) < 1e-6);
  }
}

TEST_CASE("AffineGrid of the identity is the coordinates") {
  for (const int64_t corners : {0, 1}) {
    NodeRunner node("AffineGrid", attrs_of("AffineGrid", {{"align_corners", corners}}));
    node.input(Tensor::of(Dims{1, 2, 3}, std::vector<float>{1, 0, 0, 0, 1, 0.25F}));
    node.constant(Tensor::of(Dims{4}, std::vector<int64_t>{1, 7, 1, 2})).output();
    const float edge = corners == 0 ? 0.5F : 1.0F;
    CHECK(node.run("reference")[0] ==
          Tensor::of(Dims{1, 1, 2, 2}, std::vector<float>{-edge, 0.25F, edge, 0.25F}));
  }
}
