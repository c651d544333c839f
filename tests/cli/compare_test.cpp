#include <nlohmann/json.hpp>

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

// A convolution and the normalization after it, which quantization folds into it.
ModelProto normalized_convolution() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  graph.mutable_input(0)->Clear();
  set_info(*graph.mutable_input(0), "x", {"n", "4", "8"});
  std::vector<float> weights(6 * 4);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<float>(static_cast<int>(i * 5 % 23) - 11) / 16.0F;
  *graph.add_initializer() = floats("w", {6, 4, 1}, weights);
  const std::vector<float> up = {1, -2, 3, -4, 5, -6};
  const std::vector<float> ones(6, 1);
  for (const char* name : {"scale", "bias", "mean"})
    *graph.add_initializer() = floats(name, {6}, up);
  *graph.add_initializer() = floats("variance", {6}, ones);
  add_node(graph, "Conv", {"x", "w"}, {"inner"}).set_name("conv");
  add_node(graph, "BatchNormalization", {"inner", "scale", "bias", "mean", "variance"}, {"normal"});
  add_node(graph, "Relu", {"normal"}, {"y"});
  graph.mutable_output(0)->Clear();
  set_info(*graph.mutable_output(0), "y", {"n", "6", "8"});
  return model;
}

TEST_CASE(
    "a convolution is compared with its normalization folded in, as the quantized one has it") {
  const Workplace place(normalized_convolution());
  std::vector<float> values(2 * 4 * 8);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i * 7 % 31) - 15) / 16.0F;
  write_npz(place.sample(), "x", npy({2, 4, 8}, values));
  expect(octet({"quantize", place.model(), "--calibration", place.at("samples"), "--cost-model",
                "off", "-o", place.at("q.onnx")}),
         0, {});
  const Outcome outcome = octet(
      {"compare", place.model(), place.at("q.onnx"), "--inputs", place.at("samples"), "--json"});
  CHECK(outcome.code == 0);
  const auto tensors = nlohmann::json::parse(outcome.out)["tensors"];
  CHECK_FALSE(tensors.empty());
  for (const auto& tensor : tensors)
    CHECK_MESSAGE(tensor["sqnr_db"].get<double>() > 25, tensor.dump());
}

}  // namespace
}  // namespace octet::testing
