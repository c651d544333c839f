#include "engine/quant/rounding_means.h"

#include <limits>

#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;
using namespace octet::quant;

namespace {

// E[Q(x) - x] of each channel along axis 1 of [n, channels, rest], by the formula of QuantizeLinear
// in doubles.
std::vector<double> mean_errors(const Tensor& x, double scale, double zero, double low,
                                double high) {
  const auto channels = static_cast<size_t>(x.dims()[1]);
  const size_t rest = x.count() / static_cast<size_t>(x.dims()[0]) / channels;
  std::vector<double> means(channels, 0.0);
  for (size_t i = 0; i < x.count(); ++i) {
    const double v = static_cast<double>(x.as<float>()[i]);
    const double code = std::min(std::max(std::nearbyint(v / scale) + zero, low), high);
    means[i / rest % channels] += ((code - zero) * scale - v) * static_cast<double>(channels) /
                                  static_cast<double>(x.count());
  }
  return means;
}

Graph identity_net() {
  Graph graph;
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{2, 5, 7}));
  graph.set_outputs({add(graph, "Relu", {x}, {}, "y")});
  REQUIRE(infer_graph(graph).ok());
  return graph;
}

}  // namespace

TEST_CASE("mean rounding errors of channels, for every form of codes, are those of the formula") {
  const Graph graph = identity_net();
  const std::vector<Tensor> samples = {random_tensor({2, 5, 7}, 1)};
  const struct {
    DType storage;
    double low, high;
    float scale;
    int32_t zero;
  } cases[] = {{DType::u8, 0, 255, 0.01F, 100},  // Clips at both ends.
               {DType::u8, 0, 255, 0.25F, 17},
               {DType::s8, -128, 127, 0.125F, -3},
               {DType::u16, 0, 65535, 0.001F, 30000},
               {DType::s16, -32768, 32767, 0.5F, 0}};
  RoundingMeans means;
  for (const auto& c : cases) means.want({"x", 1, c.storage, {c.scale}, {c.zero}});
  REQUIRE(means.measure(graph, calibrate_with(samples)).ok());
  for (const auto& c : cases) {
    CAPTURE(c.scale);
    const auto* got = means.find({"x", 1, c.storage, {c.scale}, {c.zero}});
    REQUIRE(got != nullptr);
    const auto want = mean_errors(samples[0], static_cast<double>(c.scale), c.zero, c.low, c.high);
    REQUIRE(got->size() == 5);
    for (size_t i = 0; i < 5; ++i) CHECK(std::fabs((*got)[i] - want[i]) < 1e-6);
  }
}

TEST_CASE("a form is measured once; what no sample makes is unknown") {
  const Graph graph = identity_net();
  const std::vector<Tensor> samples = {random_tensor({2, 5, 7}, 1)};
  size_t runs = 0;
  const Calibrate counted = [&](const Graph& real, const ValueSink& sink) {
    ++runs;
    return calibrate_with(samples)(real, sink);
  };
  RoundingMeans means;
  REQUIRE(means.measure(graph, counted).ok());
  CHECK(runs == 0);
  const RoundedValue form{"x", 1, DType::u8, {0.25F}, {17}};
  const RoundedValue finer{"x", 1, DType::u8, {0.125F}, {17}};
  const RoundedValue absent{"z", 1, DType::u8, {0.25F}, {17}};
  for (int round = 0; round < 2; ++round) {
    means.want(form);
    means.want(absent);
    REQUIRE(means.measure(graph, counted).ok());
    CHECK(runs == 1);
  }
  CHECK(means.find(form) != nullptr);
  CHECK(means.find(absent) == nullptr);
  CHECK(means.find(finer) == nullptr);
  means.want(finer);
  REQUIRE(means.measure(graph, counted).ok());
  CHECK(runs == 2);
  CHECK(means.find(finer) != nullptr);
}

TEST_CASE("a sample that isn't finite ends the measurement with the value's name") {
  std::vector<float> values(70, 1.0F);
  values[3] = std::numeric_limits<float>::infinity();
  const std::vector<Tensor> samples = {Tensor::of(Dims{2, 5, 7}, values)};
  RoundingMeans means;
  means.want({"x", 1, DType::u8, {0.25F}, {17}});
  const auto status = means.measure(identity_net(), calibrate_with(samples));
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message.find("'x'") != std::string::npos);
}
