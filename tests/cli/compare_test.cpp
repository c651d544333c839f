#include "tests/cli/program.h"

namespace octet::testing {
namespace {

// y = (x a) b, where "inner" is x a.
ModelProto two_products() {
  ModelProto model = product_model();
  GraphProto& graph = *model.mutable_graph();
  std::vector<float> weights(64 * 3);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<float>(static_cast<int>(i * 5 % 23) - 11) / 16.0F;
  *graph.add_initializer() = floats("b", {64, 3}, weights);
  graph.mutable_node(0)->set_output(0, "inner");
  graph.mutable_node(0)->set_name("first");
  add_node(graph, "MatMul", {"inner", "b"}, {"y"}).set_name("second");
  graph.mutable_output(0)->Clear();
  set_info(*graph.mutable_output(0), "y", {"n", "3"});
  return model;
}

TEST_CASE("inner values of a quantized file are found by their nodes, in both formats") {
  const Workplace place(two_products());
  write_npz(place.sample(), "x", npy({2, 4}, {1, -0.5F, 0.25F, 0.75F, -1, 0.1F, 0.9F, -0.3F}));
  for (const char* format : {"qdq", "integer"}) {
    CAPTURE(format);
    expect(octet({"quantize", place.model(), "--calibration", place.at("samples"), "--format",
                  format, "-o", place.at("q.onnx")}),
           0, {});
    const Outcome outcome = octet(
        {"compare", place.model(), place.at("q.onnx"), "--inputs", place.at("samples"), "--json"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out.find("\"inner\"") != std::string::npos);
  }
}

}  // namespace
}  // namespace octet::testing
