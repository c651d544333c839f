#include "engine/quant/layer_ranges.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/ops/op.h"
#include "engine/quant/quantize.h"
#include "runtime/session/program.h"

using namespace octet;
using quant::Layer;

namespace {

void add_gemm(Graph& graph, const std::string& node, const std::string& weight, ValueId& x,
              int64_t in, int64_t out) {
  std::vector<float> values(static_cast<size_t>(in * out));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 40) / 100.0F;
  const ValueId w = graph.add_constant(weight, Tensor::of(Dims{out, in}, values));
  const OpDef& def = require_op("", "Gemm");
  auto attrs = def.attrs.read({{"transB", int64_t{1}}}, kMaxOpset);
  REQUIRE(attrs.ok());
  x = graph.add_op(def, {x, w}, std::move(*attrs), node + "_output");
  graph.node(graph.value(x).producer).name = node;
}

// x → fc1 → Relu → blocks.0 → y, as PyTorch's exporter names them.
std::shared_ptr<Graph> network() {
  auto graph = std::make_shared<Graph>();
  ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), 6}));
  add_gemm(*graph, "/fc1/Gemm", "fc1.weight", x, 6, 5);
  const OpDef& relu = require_op("", "Relu");
  auto attrs = relu.attrs.read({}, kMaxOpset);
  REQUIRE(attrs.ok());
  x = graph->add_op(relu, {x}, std::move(*attrs), "hidden");
  add_gemm(*graph, "/blocks/blocks.0/Gemm", "onnx::Gemm_7", x, 5, 4);
  graph->set_outputs({x});
  REQUIRE(infer_graph(*graph).ok());
  return graph;
}

constexpr const char* kBoth = R"({
  "fc1": {"weight_bits": 8, "weight_scale": [0.0039], "weight_zero_point": [102], "input_bits": 8,
          "tracked_min_input": -1.0, "tracked_max_input": 3.0,
          "output_bits": 8, "tracked_min_output": -2.0, "tracked_max_output": 2.0},
  "blocks.0": {"input_bits": 8, "tracked_min_input": 0.0, "tracked_max_input": 2.0}})";

Result<quant::Report> quantized(Graph& graph, const char* text) {
  quant::Calibration calibration;
  calibration.layers = text;
  return quant::quantize(graph, {}, calibration);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("layers are read as they were exported") {
  const auto layers = quant::read_layers(kBoth, 8);
  REQUIRE(layers.ok());
  REQUIRE(layers->size() == 2);
  const Layer& first = (*layers)[1];
  CHECK(first.name == "fc1");
  CHECK(first.input->low == -1.0F);
  CHECK(first.output->high == 2.0F);
  REQUIRE(first.weights);
  CHECK(first.weights->scale == std::vector<float>{0.0039F});
  CHECK(first.weights->zero_point == std::vector<int64_t>{102});
  CHECK_FALSE((*layers)[0].weights);
}

TEST_CASE("a model quantized by layers takes their ranges, scales and zero points") {
  const auto graph = network();
  const Tensor weights = *graph->constant(graph->node(graph->order()[0]).inputs[1]);
  const auto report = quantized(*graph, kBoth);
  REQUIRE(report.ok());
  for (const auto& row : report->nodes) CHECK(row.outcome == "int8");
  size_t found = 0;
  for (ValueId id = 0; id < graph->value_capacity(); ++id) {
    if (!graph->alive_value(id) || !graph->value(id).quant) continue;
    const Value& value = graph->value(id);
    const QuantType& type = *value.quant;
    CAPTURE(value.name);
    if (value.name == "x_quantized") {
      ++found;
      CHECK(type.tensor_scale().v == doctest::Approx(4.0 / 255));
      CHECK(type.tensor_zero_point().v == 64);
    } else if (value.name == "hidden") {
      ++found;
      CHECK(type.tensor_scale().v == doctest::Approx(2.0 / 255));
      CHECK(type.tensor_zero_point().v == 0);
    } else if (value.name.starts_with("fc1.weight")) {
      ++found;
      CHECK(type.storage == DType::u8);
      CHECK(type.tensor_scale().v == 0.0039F);
      CHECK(type.tensor_zero_point().v == 102);
      for (size_t i = 0; i < weights.count(); ++i)
        CHECK(static_cast<float>(value.constant->as<uint8_t>()[i]) ==
              std::clamp(std::nearbyint(weights.as<float>()[i] / 0.0039F) + 102.0F, 0.0F, 255.0F));
    }
  }
  CHECK(found == 3);
  CHECK(runtime::Program::compile(graph, {}).ok());
}

TEST_CASE("a layer without an entry stays in float where nothing was observed") {
  const auto graph = network();
  const auto report =
      quantized(*graph, R"({"fc1": {"tracked_min_input": -1.0, "tracked_max_input": 3.0}})");
  REQUIRE(report.ok());
  for (const auto& row : report->nodes)
    CHECK(row.outcome == (row.node == "/fc1/Gemm" ? "int8" : "float"));
}

TEST_CASE("codes of a layer's weights: signed, unsigned, fewer bits, a scale a channel") {
  const Tensor weights = Tensor::of(Dims{2, 3}, std::vector{-0.5F, 0.0F, 0.7F, 0.1F, 0.2F, -1.0F});
  const struct {
    const char* name;
    quant::LayerWeights layer;
    DType storage;
    std::vector<int64_t> codes;
  } cases[] = {
      {"signed", {"l", 8, {0.01F}, {0}}, DType::s8, {-50, 0, 70, 10, 20, -100}},
      {"unsigned", {"l", 8, {0.01F}, {120}}, DType::u8, {70, 120, 190, 130, 140, 20}},
      {"four bits", {"l", 4, {0.25F}, {4}}, DType::s8, {2, 4, 7, 4, 5, 0}},
      {"clipped", {"l", 4, {0.125F}, {0}}, DType::s8, {-4, 0, 6, 1, 2, -8}},
      {"a scale a channel", {"l", 8, {0.01F, 0.1F}, {0, 1}}, DType::s8, {-50, 0, 70, 2, 3, -9}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto quantized = quant::quantize_as(weights, c.layer, 0);
    REQUIRE(quantized.ok());
    CHECK(quantized->quant->storage == c.storage);
    CHECK(quantized->codes.to_int64() == c.codes);
  }
}

TEST_CASE("entries that make no sense are refused by the layer's name") {
  const std::string both = kBoth;
  const struct {
    const char* name;
    std::string text;
    std::vector<const char*> says;
  } cases[] = {
      {"no JSON", "{", {"no JSON object"}},
      {"no object", R"({"fc1": 3})", {"'fc1'", "no object"}},
      {"an unknown entry", replaced(both, "input_bits", "in_bits"), {"'in_bits'"}},
      {"no such layer", replaced(both, "\"fc1\"", "\"fc9\""), {"'fc9'", "no node"}},
      {"half a pair", R"({"fc1": {"tracked_min_input": 1}})", {"'fc1'", "belong together"}},
      {"upside down", replaced(both, "-1.0", "5.0"), {"'fc1'", "above"}},
      {"other bits", replaced(both, "\"input_bits\": 8", "\"input_bits\": 4"), {"'fc1'", "8 bits"}},
      {"nine bits", replaced(both, "weight_bits\": 8", "weight_bits\": 9"), {"'fc1'", "2 to 8"}},
      {"no scale", replaced(both, "[0.0039]", "[0.0]"), {"'fc1'", "no positive number"}},
      {"a scale that underflows", replaced(both, "0.0039", "1e-42"), {"no positive number"}},
      {"a scale that overflows", replaced(both, "0.0039", "1e40"), {"no positive number"}},
      {"two zero points", replaced(both, "[102]", "[102, 3]"), {"'fc1'", "as many elements"}},
      {"half a code", replaced(both, "[102]", "[1.5]"), {"'fc1'", "no code"}},
      {"a zero point out of range", replaced(both, "[102]", "[300]"), {"'fc1'"}},
      {"another layer's scale", replaced(both, "0.0039", "0.0001"), {"'fc1'", "don't hold"}},
      {"three scales",
       replaced(replaced(both, "[0.0039]", "[1, 1, 1]"), "[102]", "[0, 0, 0]"),
       {"'fc1'", "3 elements", "5 channels"}},
      {"a node's name for a layer's",
       R"({"fc1": {"tracked_min_input": -1, "tracked_max_input": 3},
           "fc1/Gemm": {}})",
       {"'fc1/Gemm'"}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto report = quantized(*network(), c.text.c_str());
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().code == ErrorCode::invalid_data);
    CAPTURE(report.error().message);
    for (const char* part : c.says) CHECK(report.error().message.find(part) != std::string::npos);
  }
}

TEST_CASE("layers that contradict each other on one value are refused by both names") {
  auto graph = network();
  ValueId second = graph->inputs[0];
  add_gemm(*graph, "/fc2/Gemm", "fc2.weight", second, 6, 5);
  const auto layer = [](const char* name, float high) {
    return Layer{name, std::nullopt, quant::Range{0.0F, high}, std::nullopt};
  };
  CHECK(quant::match_layers(*graph, {layer("fc1", 1.0F), layer("fc2", 1.005F)}).ok());
  const auto matched = quant::match_layers(*graph, {layer("fc1", 1.0F), layer("fc2", 1.5F)});
  REQUIRE_FALSE(matched.ok());
  CHECK(matched.error().message.find("'fc1' and 'fc2'") != std::string::npos);
}
