#include <numbers>

#include "engine/passes/pass.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

struct Case {
  size_t rows, samples, step, length;
};
const Case kCases[] = {
    {1, 8, 3, 8}, {2, 90, 7, 20}, {1, 700, 160, 400}, {3, 1300, 16, 512}, {1, 40, 50, 2}};

// Filters [bins, bands] of which each is zero but for a few bins; the first is zero everywhere.
Tensor filters_for(size_t bins) {
  constexpr size_t kBands = 5;
  std::vector<float> values(bins * kBands, 0.0F);
  for (size_t j = 1; j < kBands; ++j)
    for (size_t k = (j - 1) * bins / kBands; k < j * bins / kBands + 1; ++k)
      values[k * kBands + j] = 0.1F + static_cast<float>((k * 7 + j) % 5);
  return Tensor::of({static_cast<int64_t>(bins), kBands}, values);
}

// Sums of the definition.
Tensor oracle(const Case& c, const Tensor& signal, const Tensor& window, const Tensor& filters) {
  const size_t frames = (c.samples - c.length) / c.step + 1, bins = c.length / 2 + 1;
  const auto bands = static_cast<size_t>(filters.dims()[1]);
  std::vector<float> y;
  for (size_t f = 0; f < c.rows * frames; ++f) {
    const float* x = signal.as<float>().data() + f / frames * c.samples + f % frames * c.step;
    std::vector<double> sums(bands, 0.0);
    for (size_t k = 0; k < bins; ++k) {
      double re = 0, im = 0;
      for (size_t i = 0; i < c.length; ++i) {
        const double angle = -2 * std::numbers::pi * static_cast<double>(i * k % c.length) /
                             static_cast<double>(c.length);
        const double sample =
            static_cast<double>(x[i]) * static_cast<double>(window.as<float>()[i]);
        re += sample * std::cos(angle);
        im += sample * std::sin(angle);
      }
      for (size_t j = 0; j < bands; ++j)
        sums[j] += (re * re + im * im) * static_cast<double>(filters.as<float>()[k * bands + j]);
    }
    for (const double sum : sums) y.push_back(static_cast<float>(sum));
  }
  return Tensor::of(
      {static_cast<int64_t>(c.rows), static_cast<int64_t>(frames), static_cast<int64_t>(bands)}, y);
}

Tensor row_pairs(const Tensor& filters) {
  std::vector<float> values;
  const auto bands = static_cast<size_t>(filters.dims()[1]);
  for (size_t at = 0; at < filters.count(); at += bands)
    for (size_t part = 0; part < 2; ++part)
      for (size_t j = 0; j < bands; ++j) values.push_back(filters.as<float>()[at + j]);
  return Tensor::of({2 * filters.dims()[0], filters.dims()[1]}, values);
}

// Nodes that fusion leaves of a front end over frames of `length`.
size_t nodes_left(int64_t length, int64_t onesided, Tensor matrix) {
  Graph graph;
  const auto op = [&](std::string_view name, std::vector<ValueId> inputs, const AttrMap& attrs) {
    const OpDef& def = require_op("", name);
    return graph.add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                        graph.unique_name(std::string(name)));
  };
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{2, Dim::symbol("n"), 1}));
  const ValueId step = graph.add_constant("step", Tensor::scalar<int64_t>(3));
  const ValueId window = graph.add_constant("window", random_floats({length}, 1));
  const ValueId spectra = op("STFT", {x, step, window}, {{"onesided", onesided}});
  const ValueId shape =
      graph.add_constant("shape", Tensor::of({3}, std::vector<int64_t>{0, 0, matrix.dims()[0]}));
  const ValueId parts = op("Reshape", {spectra, shape}, {});
  const ValueId powers = op("Mul", {parts, parts}, {});
  const ValueId filters = graph.add_constant("filters", std::move(matrix));
  graph.set_outputs({op("MatMul", {powers, filters}, {})});
  REQUIRE(infer_graph(graph).ok());
  REQUIRE(run_passes(graph, PassPhase::fusion).ok());
  return graph.node_count();
}

}  // namespace

TEST_CASE("PowerBands: on every instruction set, as it is defined") {
  for (const Case& c : kCases) {
    CAPTURE(c.length);
    const Tensor signal =
        random_floats({static_cast<int64_t>(c.rows), static_cast<int64_t>(c.samples), 1}, 2);
    const Tensor window = random_floats({static_cast<int64_t>(c.length)}, 3);
    const Tensor filters = filters_for(c.length / 2 + 1);
    NodeRunner node("PowerBands", {}, kOctetDomain);
    node.input(signal)
        .constant(Tensor::scalar(static_cast<int64_t>(c.step)))
        .constant(window)
        .constant(filters)
        .output();
    const Tensor expected = oracle(c, signal, window, filters);
    const Tensor first = node.run("fourier_f32")[0];
    CHECK(relative_difference(first, expected) < 1e-5);
    for (const CpuToken cpu : all_tokens()) CHECK(node.run("fourier_f32", cpu)[0] == first);
  }
}

TEST_CASE("PowerBands: made of an STFT whose squares are multiplied by bands") {
  const Tensor matrix = row_pairs(filters_for(9));
  CHECK(nodes_left(16, 1, matrix) == 1);
  // Two sides, another weight of an imaginary part, weights everywhere.
  CHECK(nodes_left(9, 0, matrix) == 4);
  std::vector<float> values(matrix.as<float>().begin(), matrix.as<float>().end());
  values.back() += 1;
  CHECK(nodes_left(16, 1, Tensor::of(matrix.dims(), values)) == 4);
  CHECK(nodes_left(16, 1, Tensor::of(matrix.dims(), std::vector<float>(values.size(), 0.5F))) == 4);
}
