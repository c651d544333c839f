#include "engine/quant/gptq.h"

#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;
using namespace octet::quant;

namespace {

// Correlated rows: each input is a mix of its neighbours.
Tensor correlated(int64_t rows, int64_t inputs, unsigned seed) {
  const Tensor noise = random_tensor({rows, inputs}, seed);
  std::vector<float> values(noise.count());
  const auto width = static_cast<size_t>(inputs);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t row = i / width * width;
    for (size_t j = 0; j < 4; ++j) values[i] += noise.as<float>()[row + (i - row + j) % width];
  }
  return Tensor::of(noise.dims(), values);
}

SecondMoments moments_of(const Tensor& x) {
  const auto k = static_cast<size_t>(x.dims()[1]);
  SecondMoments m{k, static_cast<size_t>(x.dims()[0]), std::vector<float>(k * k)};
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < k; ++j) {
      double sum = 0;
      for (size_t r = 0; r < m.rows; ++r)
        sum += static_cast<double>(x.as<float>()[r * k + i]) *
               static_cast<double>(x.as<float>()[r * k + j]);
      m.matrix[i * k + j] = static_cast<float>(sum / static_cast<double>(m.rows));
    }
  return m;
}

// Squared output error over rows x of weights read back from codes.
double output_error(const Tensor& x, const Tensor& w, const BlockCodes& codes, size_t block) {
  const auto k = static_cast<size_t>(w.dims()[1]);
  double error = 0;
  for (size_t r = 0; r < static_cast<size_t>(x.dims()[0]); ++r)
    for (size_t o = 0; o < static_cast<size_t>(w.dims()[0]); ++o) {
      double sum = 0;
      for (size_t i = 0; i < k; ++i)
        sum += static_cast<double>(x.as<float>()[r * k + i]) *
               static_cast<double>(codes.real(o, i, k, block) - w.as<float>()[o * k + i]);
      error += sum * sum;
    }
  return error;
}

std::vector<double> inverse(std::vector<double> a, size_t k) {
  std::vector<double> b(k * k, 0.0);
  for (size_t i = 0; i < k; ++i) b[i * k + i] = 1.0;
  for (size_t p = 0; p < k; ++p) {
    const double pivot = a[p * k + p];
    for (size_t j = 0; j < k; ++j) {
      a[p * k + j] /= pivot;
      b[p * k + j] /= pivot;
    }
    for (size_t i = 0; i < k; ++i) {
      const double factor = a[i * k + p];
      for (size_t j = 0; j < k && i != p; ++j) {
        a[i * k + j] -= factor * a[p * k + j];
        b[i * k + j] -= factor * b[p * k + j];
      }
    }
  }
  return b;
}

// The paper's equations 2 and 3, one weight after the other, with the scales of `given`: round,
// move the error onto the others by H^-1, take the input out of H^-1 by elimination.
size_t codes_that_differ(const Tensor& w, const SecondMoments& moments, const BlockOptions& options,
                         const BlockCodes& given) {
  const size_t k = moments.inputs;
  std::vector<double> h(moments.matrix.begin(), moments.matrix.end());
  double mean = 0;
  for (size_t i = 0; i < k; ++i) mean += h[i * k + i] / static_cast<double>(k);
  for (size_t i = 0; i < k; ++i) h[i * k + i] += options.damping * mean;
  const std::vector<double> start = inverse(std::move(h), k);
  size_t different = 0;
  for (size_t o = 0; o < static_cast<size_t>(w.dims()[0]); ++o) {
    std::vector<double> left = start;
    std::vector<double> row(k);
    for (size_t i = 0; i < k; ++i) row[i] = static_cast<double>(w.as<float>()[o * k + i]);
    for (size_t q = 0; q < k; ++q) {
      const size_t at = o * given.blocks + q / options.block;
      const auto scale = static_cast<double>(given.scales[at]);
      const int zero = given.zero_points.empty() ? 0 : given.zero_points[at];
      const int low = given.zero_points.empty() ? -8 : 0;
      const int code =
          std::clamp(static_cast<int>(std::nearbyint(row[q] / scale)) + zero, low, low + 15);
      different += code == given.codes[o * k + q] ? 0 : 1;
      const double error = (row[q] - (code - zero) * scale) / left[q * k + q];
      for (size_t j = q; j < k; ++j) row[j] -= error * left[q * k + j];
      for (size_t i = q + 1; i < k; ++i) {
        const double factor = left[i * k + q] / left[q * k + q];
        for (size_t j = q; j < k; ++j) left[i * k + j] -= factor * left[q * k + j];
      }
    }
  }
  return different;
}

}  // namespace

TEST_CASE("GPTQ in panels and batches gives the codes of the weight by weight equations") {
  const struct {
    size_t inputs, block;
    bool symmetric;
  } cases[] = {
      {40, 16, true}, {150, 32, true}, {150, 32, false}, {200, 128, true}, {70, 64, false}};
  for (const auto& c : cases) {
    CAPTURE(c.inputs);
    CAPTURE(c.block);
    CAPTURE(c.symmetric);
    const BlockOptions options{.block = c.block, .symmetric = c.symmetric};
    const auto inputs = static_cast<int64_t>(c.inputs);
    const Tensor x = correlated(3 * inputs, inputs, 5);
    const Tensor w = random_tensor({6, inputs}, 6);
    const SecondMoments moments = moments_of(x);
    const auto codes = gptq(w.as<float>(), 6, c.inputs, moments, options);
    REQUIRE(codes.ok());
    CHECK(codes->blocks == (c.inputs + c.block - 1) / c.block);
    CHECK(codes_that_differ(w, moments, options, *codes) <= w.count() / 100);

    const auto nearest = gptq(w.as<float>(), 6, c.inputs, {}, options);
    REQUIRE(nearest.ok());
    const double plain = output_error(x, w, *nearest, c.block);
    CHECK(output_error(x, w, *codes, c.block) < 0.7 * plain);
  }
}

TEST_CASE("without correlations GPTQ is nearest rounding") {
  const Tensor w = random_tensor({5, 96}, 3);
  SecondMoments unit{96, 1, std::vector<float>(96 * 96, 0.0F)};
  for (size_t i = 0; i < 96; ++i) unit.matrix[i * 97] = 1.0F;
  const auto with = gptq(w.as<float>(), 5, 96, unit, {});
  const auto without = gptq(w.as<float>(), 5, 96, {}, {});
  REQUIRE(with.ok());
  REQUIRE(without.ok());
  CHECK(with->codes == without->codes);
  CHECK(with->scales == without->scales);
}

TEST_CASE("GPTQ takes inputs that are never used, and refuses what isn't finite") {
  Tensor x = correlated(20, 64, 1);  // Fewer rows than inputs: a matrix of low rank.
  std::vector<float> values(x.as<float>().begin(), x.as<float>().end());
  for (size_t r = 0; r < 20; ++r) values[r * 64 + 7] = 0.0F;
  x = Tensor::of(x.dims(), values);
  const Tensor w = random_tensor({4, 64}, 2);
  SecondMoments moments = moments_of(x);
  CHECK(gptq(w.as<float>(), 4, 64, moments, {}).ok());
  moments.matrix[0] = NAN;
  CHECK_FALSE(gptq(w.as<float>(), 4, 64, moments, {}).ok());
  std::vector<float> bad(4 * 64, 1.0F);
  bad[9] = INFINITY;
  CHECK_FALSE(gptq(bad, 4, 64, {}, {}).ok());
}

// Whole numbers, which rows keep exactly.
Tensor whole(Dims dims, unsigned seed) {
  const Tensor real = random_tensor(std::move(dims), seed);
  std::vector<float> values;
  for (const float v : real.as<float>()) values.push_back(std::nearbyint(v));
  return Tensor::of(real.dims(), values);
}

TEST_CASE("second moments are those of the layers' inputs: w^T M w is an output's mean square") {
  Graph graph;
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{2, 3, 6, 5}));
  const ValueId kernel = graph.add_constant("kernel", whole({4, 3, 3, 2}, 1));
  const ValueId conv = add(
      graph, "Conv", {x, kernel},
      {{"strides", std::vector<int64_t>{2, 1}}, {"pads", std::vector<int64_t>{1, 0, 1, 1}}}, "c");
  const ValueId weight = graph.add_constant("weight", random_tensor({5, 7}, 2));
  const ValueId product = add(graph, "MatMul", {conv, weight}, {}, "p");
  graph.set_outputs({conv, product});
  REQUIRE(infer_graph(graph).ok());
  const std::vector<Tensor> samples = {whole({2, 3, 6, 5}, 3)};
  LayerInputs inputs;
  std::vector<LinearLayer> layers;
  for (const NodeId id : graph.order()) {
    layers.push_back(linear_layer(graph, id).value());
    inputs.want(graph, layers.back());
  }
  REQUIRE(inputs.collect(graph, calibrate_with(samples)).ok());
  const auto program = runtime::Program::compile(graph.clone(), {});
  const auto outputs = (*program)->run(samples);
  for (size_t l = 0; l < layers.size(); ++l) {
    const SecondMoments moments = inputs.moments(graph, layers[l]);
    const auto w = graph.constant(graph.node(layers[l].node).inputs[1])->as<float>();
    const Tensor& y = (*outputs)[l];
    const bool channels_second = l == 0;
    const size_t positions = y.count() / layers[l].outputs;
    CHECK(moments.rows % positions == 0);  // Once for each layout in which a value is stored.
    for (size_t o = 0; o < layers[l].outputs; ++o) {
      double want = 0;
      for (size_t i = 0; i < y.count(); ++i) {
        const size_t channel = channels_second ? i / (y.count() / 8) % 4 : i % layers[l].outputs;
        if (channel == o) want += std::pow(static_cast<double>(y.as<float>()[i]), 2);
      }
      double got = 0;
      for (size_t i = 0; i < moments.inputs; ++i)
        for (size_t j = 0; j < moments.inputs; ++j)
          got += static_cast<double>(moments.matrix[i * moments.inputs + j]) *
                 static_cast<double>(w[o * layers[l].output_stride + i * layers[l].input_stride]) *
                 static_cast<double>(w[o * layers[l].output_stride + j * layers[l].input_stride]);
      CHECK(got == doctest::Approx(want / static_cast<double>(positions)).epsilon(1e-4));
    }
  }
}

TEST_CASE("with samples, int4 rounds for the least error of each layer's output") {
  const std::vector<Tensor> samples = {correlated(400, 96, 3)};
  const Tensor unseen = correlated(400, 96, 4);
  for (const char* op : {"MatMul", "Gemm"}) {
    CAPTURE(op);
    const bool gemm = std::string(op) == "Gemm";
    Graph real;
    const ValueId x = real.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), 96}));
    const Dims dims = gemm ? Dims{40, 96} : Dims{96, 40};
    const ValueId w = real.add_constant("w", random_tensor(dims, 1));
    const AttrMap attrs = gemm ? AttrMap{{"transB", int64_t{1}}} : AttrMap{};
    real.set_outputs({add(real, op, {x, w}, attrs, "y")});
    REQUIRE(infer_graph(real).ok());
    QuantizeOptions options;
    options.mode = Mode::int4;
    options.block_size = 32;
    const auto plain = real.clone();
    REQUIRE(quantize(*plain, options, {}).ok());
    const auto rounded = real.clone();
    const auto report = quantize(*rounded, options, {calibrate_with(samples)});
    REQUIRE(report.ok());
    CHECK(report->samples == 1);
    CHECK(report->algorithms.at("gptq") == 1);
    const Tensor want = result_of(real, unseen);
    CHECK(sqnr(want, result_of(*rounded, unseen)) > sqnr(want, result_of(*plain, unseen)) + 3.0);
    options.algorithms = std::vector<std::string>();
    const auto without = real.clone();
    REQUIRE(quantize(*without, options, {calibrate_with(samples)}).ok());
    CHECK(result_of(*without, unseen).bytes().size() == want.bytes().size());
    CHECK(sqnr(result_of(*plain, unseen), result_of(*without, unseen)) > 200.0);
  }
}
