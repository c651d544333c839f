#include "engine/quant/search.h"

#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;

namespace {

constexpr size_t kLayers = 12;

std::string layer_name(size_t i) { return "layer" + std::to_string(i); }

// Products one after the other, whose input 0 is small but for the first. In those of `bad` its
// weights are so large that the scales are too coarse for the others.
std::shared_ptr<Graph> chain(const std::set<size_t>& bad) {
  auto graph = std::make_shared<Graph>();
  ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), 32}));
  for (size_t i = 0; i < kLayers; ++i) {
    const Tensor plain = random_tensor({32, 32}, static_cast<unsigned>(i + 1));
    std::vector<float> weights(plain.as<float>().begin(), plain.as<float>().end());
    for (float& w : weights) w *= 0.2F;
    if (bad.count(i) > 0)
      for (size_t o = 0; o < 32; ++o) weights[o] = 60.0F;
    const ValueId w = graph->add_constant("w" + std::to_string(i), Tensor::of({32, 32}, weights));
    const ValueId y = add(*graph, "MatMul", {x, w}, {}, layer_name(i).c_str());
    std::vector<float> small(32, 1.0F);
    small[0] = 1e-3F;
    const ValueId gain = graph->add_constant("gain" + std::to_string(i), Tensor::of({32}, small));
    x = add(*graph, "Mul", {y, gain}, {}, ("scaled" + std::to_string(i)).c_str());
  }
  graph->set_outputs({x});
  REQUIRE(infer_graph(*graph).ok());
  return graph;
}

// Measures candidates by real runs, and counts.
struct Counted {
  explicit Counted(std::shared_ptr<Graph> real, double least)
      : graph(std::move(real)), want(result_of(*graph, samples[0])) {
    measurements.sqnr = [this](const Graph& candidate) -> Result<double> {
      ++alone;
      return octet::testing::sqnr(want, result_of(candidate, samples[0]));
    };
    measurements.judge = [this, least](const Graph& candidate) -> Result<quant::Verdict> {
      ++judged;
      const double kept = octet::testing::sqnr(want, result_of(candidate, samples[0]));
      return quant::Verdict{kept >= least, std::to_string(kept)};
    };
  }

  std::shared_ptr<Graph> graph;
  std::vector<Tensor> samples = {random_tensor({16, 32}, 99)};
  Tensor want;
  quant::Measurements measurements;
  size_t alone = 0;
  size_t judged = 0;
};

std::set<std::string> in_float(const quant::Report& report) {
  std::set<std::string> names;
  for (const auto& row : report.nodes)
    if (row.outcome == "float") names.insert(row.node);
  return names;
}

quant::QuantizeOptions plain() {
  quant::QuantizeOptions options;
  options.algorithms = std::vector<std::string>{};
  return options;
}

}  // namespace

TEST_CASE("the nodes that spoil the outputs become float, for a reason with figures, no others") {
  const std::set<size_t> bad = {3, 8};
  Counted all(chain(bad), -1000);
  const double least = [&] {
    const auto graph = all.graph->clone();
    REQUIRE(quant::quantize(*graph, plain(), {calibrate_with(all.samples)}).ok());
    return sqnr(all.want, result_of(*graph, all.samples[0])) + 6;
  }();
  Counted counted(chain(bad), least);
  const auto graph = counted.graph->clone();
  const auto report =
      quant::quantize(*graph, plain(), {calibrate_with(counted.samples)}, counted.measurements);
  REQUIRE(report.ok());
  CHECK(sqnr(counted.want, result_of(*graph, counted.samples[0])) >= least);
  const auto floats = in_float(*report);
  REQUIRE_FALSE(floats.empty());
  for (const std::string& name : floats) CHECK((name == "layer3" || name == "layer8"));
  CHECK(counted.alone == kLayers);
  // 1, bisection over 13 lengths, going back.
  CHECK(counted.judged <= 1 + 4 + 2 * 4);
  CHECK(report->trials == counted.judged);
  for (const auto& row : report->nodes) {
    REQUIRE(row.sqnr.has_value());
    if (row.outcome == "float") CHECK(row.reason.find("sensitivity: ") == 0);
  }
  // Every one of them is needed.
  for (const std::string& name : floats) {
    auto options = plain();
    for (const std::string& other : floats)
      if (other != name) options.exclude.push_back(other);
    const auto fewer = counted.graph->clone();
    REQUIRE(quant::quantize(*fewer, options, {calibrate_with(counted.samples)}).ok());
    CHECK(sqnr(counted.want, result_of(*fewer, counted.samples[0])) < least);
  }
}

TEST_CASE("a bound that holds at once costs one judgement and no sensitivities") {
  Counted counted(chain({}), 1);
  const auto graph = counted.graph->clone();
  const auto report =
      quant::quantize(*graph, plain(), {calibrate_with(counted.samples)}, counted.measurements);
  REQUIRE(report.ok());
  CHECK(in_float(*report).empty());
  CHECK(counted.judged == 1);
  CHECK(counted.alone == 0);
}

TEST_CASE("a bound that only the float model keeps gives the float model") {
  Counted counted(chain({}), 250);
  const auto graph = counted.graph->clone();
  const auto report =
      quant::quantize(*graph, plain(), {calibrate_with(counted.samples)}, counted.measurements);
  REQUIRE(report.ok());
  CHECK(in_float(*report).size() == kLayers);
  CHECK(result_of(*graph, counted.samples[0]) == counted.want);
}

TEST_CASE("a bound that nothing keeps is an error, and so is a measurement that fails") {
  Counted counted(chain({}), 1e9);
  auto graph = counted.graph->clone();
  const auto report =
      quant::quantize(*graph, plain(), {calibrate_with(counted.samples)}, counted.measurements);
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().message.find("every node in float") != std::string::npos);
  counted.measurements.sqnr = [](const Graph&) -> Result<double> { return invalid_data("broken"); };
  graph = counted.graph->clone();
  const auto broken =
      quant::quantize(*graph, plain(), {calibrate_with(counted.samples)}, counted.measurements);
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().message == "broken");
}

TEST_CASE("candidates share calibration and rounding: no more runs, the same codes") {
  const auto real = chain({});
  const std::vector<Tensor> samples = {random_tensor({16, 32}, 99)};
  size_t runs = 0;
  quant::Calibration calibration;
  calibration.run = [&](const Graph& graph, const quant::ValueSink& sink) {
    ++runs;
    return calibrate_with(samples)(graph, sink);
  };
  const auto prepared = real->clone();
  const auto candidates = quant::Candidates::of(*prepared, {}, calibration, {});
  REQUIRE(candidates.ok());
  const size_t before = runs;
  quant::Floats floats;
  for (const auto& row : candidates->all().report.nodes)
    if (row.node == "layer5") floats[row.id] = "asked for";
  const auto without = candidates->make(floats);
  REQUIRE(without.ok());
  CHECK(runs == before);
  CHECK(in_float(without->report) == std::set<std::string>{"layer5"});
  // Weights of the others: bit by bit those of the form that is quantized throughout.
  size_t equal = 0;
  for (const auto& row : without->report.nodes) {
    if (row.outcome == "float") continue;
    const auto codes = [&](const Graph& graph) {
      for (const NodeId id : graph.order())
        if (graph.node(id).name == row.node) return *graph.constant(graph.node(id).inputs[1]);
      return Tensor();
    };
    CHECK(codes(*without->graph) == codes(*candidates->all().graph));
    ++equal;
  }
  CHECK(equal == kLayers - 1);
  // The same decision gives the same model.
  const auto again = candidates->make(floats);
  REQUIRE(again.ok());
  CHECK(result_of(*again->graph, samples[0]) == result_of(*without->graph, samples[0]));
}
