#include <algorithm>

#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;

namespace {

// Signal over noise of a graph quantized with these algorithms alone.
double quantized_sqnr(const Graph& graph, const std::vector<Tensor>& samples,
                      const std::vector<std::string>& algorithms) {
  const Tensor want = result_of(graph, samples[0]);
  const auto quantized = graph.clone();
  quant::QuantizeOptions options;
  options.algorithms = algorithms;
  const auto report = quant::quantize(*quantized, options, {calibrate_with(samples)});
  REQUIRE(report.ok());
  return sqnr(want, result_of(*quantized, samples[0]));
}

Tensor times_rows(const Tensor& t, const std::vector<float>& factors, size_t inner) {
  std::vector<float> values(t.as<float>().begin(), t.as<float>().end());
  for (size_t i = 0; i < values.size(); ++i) values[i] *= factors[i / inner % factors.size()];
  return Tensor::of(t.dims(), values);
}

// One channel in eight is 256 times larger.
std::vector<float> outliers(size_t channels, bool divided) {
  std::vector<float> factors(channels, 1.0F);
  for (size_t c = 3; c < channels; c += 8) factors[c] = divided ? 1.0F / 256.0F : 256.0F;
  return factors;
}

// LayerNorm → product: the same function for every `spread`.
Graph norm_net(bool spread) {
  Graph graph;
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), 32}));
  const auto up = spread ? outliers(32, false) : std::vector<float>(32, 1.0F);
  const auto down = spread ? outliers(32, true) : std::vector<float>(32, 1.0F);
  const ValueId gain = graph.add_constant("gain", times_rows(random_tensor({32}, 1), up, 1));
  const ValueId bias = graph.add_constant("bias", times_rows(random_tensor({32}, 2), up, 1));
  const ValueId w = graph.add_constant("w", times_rows(random_tensor({32, 16}, 3), down, 16));
  const ValueId h = add(graph, "LayerNormalization", {x, gain, bias}, {}, "h");
  graph.set_outputs({add(graph, "MatMul", {h, w}, {}, "y")});
  REQUIRE(infer_graph(graph).ok());
  return graph;
}

Graph convolution_net(bool spread) {
  Graph graph;
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{1, 3, 8, 8}));
  const auto up = spread ? outliers(16, false) : std::vector<float>(16, 1.0F);
  const auto down = spread ? outliers(16, true) : std::vector<float>(16, 1.0F);
  const ValueId first =
      graph.add_constant("first", times_rows(random_tensor({16, 3, 3, 3}, 1), up, 27));
  const ValueId bias = graph.add_constant("bias", times_rows(random_tensor({16}, 2), up, 1));
  const ValueId second =
      graph.add_constant("second", times_rows(random_tensor({8, 16, 3, 3}, 3), down, 9));
  ValueId h = add(graph, "Conv", {x, first, bias}, {}, "h");
  h = add(graph, "Relu", {h}, {}, "r");
  graph.set_outputs({add(graph, "Conv", {h, second}, {}, "y")});
  REQUIRE(infer_graph(graph).ok());
  return graph;
}

// The norm's output goes on to a product and, as it is, to the sum before the next norm.
Graph post_norm_net(bool spread) {
  Graph graph;
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), 32}));
  const auto up = spread ? outliers(32, false) : std::vector<float>(32, 1.0F);
  const auto down = spread ? outliers(32, true) : std::vector<float>(32, 1.0F);
  const auto vector = [&](const char* name, unsigned seed, const std::vector<float>& factors) {
    return graph.add_constant(name, times_rows(random_tensor({32}, seed), factors, 1));
  };
  const ValueId gain = vector("gain", 1, up);
  const ValueId bias = vector("bias", 2, up);
  const ValueId w = graph.add_constant("w", times_rows(random_tensor({32, 32}, 3), down, 32));
  const ValueId h = add(graph, "LayerNormalization", {x, gain, bias}, {}, "h");
  const ValueId p = add(graph, "MatMul", {h, w}, {}, "p");
  const ValueId sum = add(graph, "Add", {h, p}, {}, "sum");
  const ValueId ones = vector("ones", 4, std::vector<float>(32, 1.0F));
  graph.set_outputs({add(graph, "LayerNormalization", {sum, ones, ones}, {}, "y")});
  REQUIRE(infer_graph(graph).ok());
  return graph;
}

// What the samples of a folder and those of another one say, by way of files, merged.
quant::Observations merged_observations(const Graph& graph, const std::vector<Tensor>& samples,
                                        const quant::QuantizeOptions& options) {
  std::optional<quant::Observations> all;
  for (size_t i = 0; i < samples.size(); ++i) {
    const std::vector<Tensor> one = {samples[i]};
    const auto seen = quant::observe(graph, options, calibrate_with(one));
    REQUIRE(seen.ok());
    auto read = quant::from_text(quant::to_text(*seen));
    REQUIRE(read.ok());
    if (!all)
      all = std::move(*read);
    else
      REQUIRE(all->merge(*read).ok());
  }
  return *all;
}

// A layer of correlated inputs, [n, 24] or [n, 24, 1, 1] to 6 outputs.
Graph layer_net(const std::string& kind) {
  Graph graph;
  const bool conv = kind.starts_with("Conv");
  const Shape shape = conv ? Shape{Dim::symbol("n"), 24, 1, 1} : Shape{Dim::symbol("n"), 24};
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, shape));
  const ValueId bias = graph.add_constant("b", random_tensor({6}, 2));
  const ValueId w =
      graph.add_constant("w", random_tensor(conv ? Dims{6, 24, 1, 1} : Dims{24, 6}, 3));
  ValueId y = kNoValue;
  if (kind == "Conv") y = add(graph, "Conv", {x, w, bias}, {}, "y");
  if (kind == "Conv without bias") y = add(graph, "Conv", {x, w}, {}, "y");
  if (kind == "Gemm") y = add(graph, "Gemm", {x, w, bias}, {}, "y");
  if (kind == "MatMul")
    y = add(graph, "Add", {add(graph, "MatMul", {x, w}, {}, "p"), bias}, {}, "y");
  graph.set_outputs({y});
  REQUIRE(infer_graph(graph).ok());
  return graph;
}

// Rows whose inputs have means and share a common part.
Tensor layer_rows(const std::string& kind) {
  const Tensor noise = random_tensor({200, 24}, 5);
  std::vector<float> values(noise.count());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 0.3F * noise.as<float>()[i] + noise.as<float>()[i / 24 * 24] +
                0.2F * static_cast<float>(i % 24);
  return Tensor::of(kind.starts_with("Conv") ? Dims{200, 24, 1, 1} : Dims{200, 24}, values);
}

// Two thirds of the inputs lie at the lowest point of SiLU, which isn't a multiple of the step.
Tensor lobed_rows(const std::string& kind) {
  const Tensor noise = random_tensor({200, 24}, 6);
  std::vector<float> values(noise.count(), -0.2785F);
  for (size_t i = 0; i < values.size(); i += 3) values[i] = std::fabs(noise.as<float>()[i]) * 2.0F;
  values[0] = 7.0F;
  return Tensor::of(kind.starts_with("Conv") ? Dims{200, 24, 1, 1} : Dims{200, 24}, values);
}

// The largest error of an output's mean over the rows of the first sample.
double largest_mean_error(const Graph& real, const std::vector<Tensor>& samples, DType storage,
                          const std::vector<std::string>& algorithms) {
  const auto graph = real.clone();
  quant::QuantizeOptions options;
  options.algorithms = algorithms;
  options.activations = storage;
  const auto report = quant::quantize(*graph, options, {calibrate_with(samples)});
  REQUIRE(report.ok());
  for (const std::string& name : algorithms) CHECK(report->algorithms.at(name) == 1);
  const Tensor want = result_of(real, samples[0]);
  const Tensor got = result_of(*graph, samples[0]);
  const auto outputs = static_cast<size_t>(want.dims()[1]);
  std::vector<double> errors(outputs, 0.0);
  for (size_t i = 0; i < want.count(); ++i)
    errors[i % outputs] += static_cast<double>(got.as<float>()[i] - want.as<float>()[i]);
  double largest = 0;
  for (const double error : errors)
    largest = std::max(largest, std::fabs(error) / static_cast<double>(want.dims()[0]));
  return largest;
}

// What the quantized constants of a layer_net compute on float rows, less what the float ones do.
struct LayerErrors {
  double squares = 0;
  double largest_mean = 0;  // Of an output over the rows.
  double largest_step = 0;  // Between a weight and its code, in scales.
};

LayerErrors layer_errors(const std::string& kind, const std::vector<std::string>& algorithms) {
  const std::vector<Tensor> samples = {layer_rows(kind)};
  const Graph real = layer_net(kind);
  const auto graph = real.clone();
  quant::QuantizeOptions options;
  options.algorithms = algorithms;
  REQUIRE(quant::quantize(*graph, options, {calibrate_with(samples)}).ok());
  std::vector<float> shift(6, 0.0F);
  std::vector<float> codes;
  std::vector<float> scales;
  for (const NodeId id : graph->order()) {
    const Node& node = graph->node(id);
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      const Tensor* constant = graph->constant(node.inputs[i]);
      if (constant == nullptr || constant->rank() == 0) continue;
      if (constant->dtype() == DType::s8) {
        codes = constant->to_float();
        scales = graph->value(node.inputs[i]).quant->scale.to_float();
      } else if (constant->count() == 6) {
        shift = constant->to_float();
      }
    }
  }
  REQUIRE(codes.size() == 144);
  const bool conv = kind.starts_with("Conv");
  const auto w = random_tensor({144}, 3);
  const auto b = random_tensor({6}, 2);
  LayerErrors errors;
  for (size_t o = 0; o < 6; ++o) {
    double mean = 0;
    for (size_t r = 0; r < 200; ++r) {
      double error = static_cast<double>(shift[o]);
      if (kind != "Conv without bias") error -= static_cast<double>(b.as<float>()[o]);
      for (size_t i = 0; i < 24; ++i) {
        const size_t at = conv ? o * 24 + i : i * 6 + o;
        const double step = static_cast<double>(codes[at] - w.as<float>()[at] / scales[o]);
        errors.largest_step = std::max(errors.largest_step, std::fabs(step));
        error += step * static_cast<double>(scales[o] * samples[0].as<float>()[r * 24 + i]);
      }
      mean += error / 200;
      errors.squares += error * error;
    }
    errors.largest_mean = std::max(errors.largest_mean, std::fabs(mean));
  }
  return errors;
}

}  // namespace

TEST_CASE("bias correction takes the mean error of every output away, with or without a bias") {
  for (const char* kind : {"Conv", "Conv without bias", "Gemm", "MatMul"}) {
    CAPTURE(kind);
    const LayerErrors plain = layer_errors(kind, {});
    const LayerErrors corrected = layer_errors(kind, {"bias_correction"});
    CHECK(corrected.largest_mean < 1e-4);
    CHECK(corrected.largest_mean < 0.05 * plain.largest_mean);
  }
}

TEST_CASE("input correction takes out what the rounding of inputs adds to outputs on average") {
  for (const char* kind : {"Conv", "Conv without bias", "Gemm", "MatMul"}) {
    for (const DType storage : {DType::u8, DType::s8}) {
      CAPTURE(kind);
      CAPTURE(dtype_name(storage));
      const std::vector<Tensor> samples = {lobed_rows(kind)};
      const Graph real = layer_net(kind);
      const double plain = largest_mean_error(real, samples, storage, {"bias_correction"});
      const double corrected =
          largest_mean_error(real, samples, storage, {"bias_correction", "input_correction"});
      CHECK(plain > 0.01);
      CHECK(corrected < 1e-4);
    }
  }
}

TEST_CASE("adaptive rounding takes neighbours of the weights and lowers the layer's error") {
  for (const char* kind : {"Conv", "Gemm", "MatMul"}) {
    CAPTURE(kind);
    const LayerErrors plain = layer_errors(kind, {});
    const LayerErrors rounded = layer_errors(kind, {"adaptive_rounding"});
    CHECK(rounded.largest_step < 1.0);
    CHECK(rounded.squares < 0.5 * plain.squares);
    const LayerErrors both = layer_errors(kind, {"adaptive_rounding", "bias_correction"});
    CHECK(both.squares <= rounded.squares);
    CHECK(both.largest_mean < 1e-4);
  }
}

TEST_CASE("migration and equalization undo channels that were made uneven") {
  const struct {
    const char* algorithm;
    Graph (*make)(bool);
    Dims sample;
  } cases[] = {{"smooth_quant", norm_net, {64, 32}},
               {"equalize", convolution_net, {1, 3, 8, 8}},
               {"smooth_quant", convolution_net, {1, 3, 8, 8}}};
  for (const auto& c : cases) {
    CAPTURE(c.algorithm);
    const std::vector<Tensor> samples = {random_tensor(c.sample, 7), random_tensor(c.sample, 8)};
    const double even = quantized_sqnr(c.make(false), samples, {});
    const double plain = quantized_sqnr(c.make(true), samples, {});
    const double undone = quantized_sqnr(c.make(true), samples, {c.algorithm});
    CHECK(plain < even - 15.0);
    CHECK(undone > even - 1.0);
  }
}

TEST_CASE("an algorithm that isn't there is refused") {
  quant::QuantizeOptions options;
  options.algorithms = {"magic"};
  const std::vector<Tensor> samples = {random_tensor({4, 32}, 1)};
  Graph graph = norm_net(false);
  const auto report = quant::quantize(graph, options, {calibrate_with(samples)});
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().code == ErrorCode::invalid_argument);
}

TEST_CASE("algorithms do the same by merged observations as by the samples") {
  const std::vector<std::string> by_channels = {"equalize", "smooth_quant", "bias_correction"};
  const struct {
    const char* name;
    Graph graph;
    Dims sample;
    std::optional<std::vector<std::string>> algorithms;
    std::vector<std::string> run;
  } cases[] = {
      {"norm", norm_net(true), {64, 32}, by_channels, {"smooth_quant"}},
      {"post-norm", post_norm_net(true), {64, 32}, by_channels, {"smooth_quant"}},
      {"convolutions", convolution_net(true), {1, 3, 8, 8}, by_channels, {"equalize"}},
      {"sum", layer_net("MatMul"), {40, 24}, by_channels, {"bias_correction"}},
      {"with samples", layer_net("MatMul"), {40, 24}, std::nullopt, {"adaptive_rounding"}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    std::vector<Tensor> samples;
    for (const unsigned seed : {7U, 8U, 9U}) samples.push_back(random_tensor(c.sample, seed));
    quant::QuantizeOptions options;
    options.algorithms = c.algorithms;
    const auto direct = c.graph.clone();
    const auto wanted = quant::quantize(*direct, options, {calibrate_with(samples)});
    REQUIRE(wanted.ok());
    const auto observations = merged_observations(c.graph, samples, options);
    const auto merged = c.graph.clone();
    quant::Calibration calibration{.run = {}, .observations = &observations};
    if (!c.algorithms) calibration.run = calibrate_with(samples);
    const auto report = quant::quantize(*merged, options, calibration);
    REQUIRE(report.ok());
    CHECK(report->algorithms == wanted->algorithms);
    CHECK(report->left_out.empty());
    for (const std::string& name : c.run) CHECK(report->algorithms.count(name) == 1);
    REQUIRE(report->values.size() == wanted->values.size());
    for (size_t i = 0; i < report->values.size(); ++i) {
      const auto& got = report->values[i];
      CAPTURE(got.value);
      CHECK(got.value == wanted->values[i].value);
      CHECK(got.seen.low == wanted->values[i].seen.low);
      CHECK(got.seen.high == wanted->values[i].seen.high);
      CHECK(got.zeros == wanted->values[i].zeros);
    }
    const Tensor want = result_of(*direct, samples[0]);
    const Tensor got = result_of(*merged, samples[0]);
    CHECK(std::equal(want.bytes().begin(), want.bytes().end(), got.bytes().begin()));
  }
}

TEST_CASE("what merged observations don't say keeps algorithms from running, and the report why") {
  const std::vector<Tensor> samples = {random_tensor({64, 32}, 7)};
  quant::QuantizeOptions options;
  const auto left_out = [&](const quant::QuantizeOptions& observing) {
    Graph graph = norm_net(true);
    const auto observations = merged_observations(graph, samples, observing);
    const auto report = quant::quantize(graph, options, {{}, &observations});
    REQUIRE(report.ok());
    return report->left_out;
  };
  CHECK(left_out({}).size() == 2);
  CHECK(left_out({}).at("input_correction").find("samples") != std::string::npos);
  CHECK(left_out({}).at("adaptive_rounding").find("samples") != std::string::npos);
  options.calibrator.calibrator = quant::Calibrator::mse;
  CHECK(left_out({}).size() == 4);
  CHECK(left_out({}).at("smooth_quant").find("minmax") != std::string::npos);
  options.calibrator.calibrator = quant::Calibrator::minmax;
  quant::QuantizeOptions ranges_only;
  ranges_only.algorithms.emplace();
  CHECK(left_out(ranges_only).size() == 5);
  CHECK(left_out(ranges_only).at("bias_correction").find("channels") != std::string::npos);
}
