#include <complex>

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

using Complex = std::complex<double>;

Attrs attrs_of(std::string_view op, const AttrMap& map, int opset = kMaxOpset) {
  return require_op("", op).attrs.read(map, opset).value();
}

// The sum of the definition; real input.
std::vector<Complex> oracle(std::span<const float> x, size_t length, bool inverse) {
  std::vector<Complex> y(length);
  for (size_t k = 0; k < length; ++k)
    for (size_t i = 0; i < std::min(length, x.size()); ++i)
      y[k] += static_cast<double>(x[i]) *
              std::polar(inverse ? 1.0 / static_cast<double>(length) : 1.0,
                         (inverse ? 2.0 : -2.0) * std::acos(-1.0) *
                             static_cast<double>(k * i % length) / static_cast<double>(length));
  return y;
}

Tensor parts(const std::vector<Complex>& values, size_t count, Dims dims) {
  std::vector<float> out;
  for (size_t k = 0; k < count; ++k) {
    out.push_back(static_cast<float>(values[k].real()));
    out.push_back(static_cast<float>(values[k].imag()));
  }
  return Tensor::of(std::move(dims), out);
}

}  // namespace

TEST_CASE("DFT of any length, of one side, inverse, padded and cut") {
  struct Case {
    int64_t extent, length;
    bool inverse, onesided;
  };
  for (const Case& c :
       {Case{8, 8, false, false}, Case{7, 7, false, true}, Case{8, 8, true, false},
        Case{5, 12, false, false}, Case{9, 4, false, true}, Case{1, 1, false, true},
        Case{16, 16, false, true}, Case{2, 2, false, true}, Case{30, 30, true, false},
        Case{400, 400, false, true}, Case{97, 97, false, true}, Case{500, 512, false, true}}) {
    const Tensor x = random_floats({1, c.extent, 1}, 1);
    NodeRunner node("DFT", attrs_of("DFT", {{"inverse", int64_t{c.inverse}},
                                            {"onesided", int64_t{c.onesided}}}));
    node.input(x).constant(Tensor::scalar(c.length)).output();
    const auto bins = static_cast<size_t>(c.onesided ? c.length / 2 + 1 : c.length);
    const auto expected = oracle(x.as<float>(), static_cast<size_t>(c.length), c.inverse);
    CHECK(relative_difference(node.run("fourier_f64")[0],
                              parts(expected, bins, {1, static_cast<int64_t>(bins), 2})) < 1e-6);
  }
}

TEST_CASE("DFT below opset 20 has its axis as an attribute") {
  Graph graph;
  const ValueId x =
      graph.add_input("x", Type::tensor(DType::f32, Shape{Dim(2), Dim::symbol("n"), Dim(1)}));
  const ValueId y = graph.add_op(require_op("", "DFT"), {x},
                                 attrs_of("DFT", {{"onesided", int64_t{1}}}, 17), "y");
  const NodeId id = graph.value(y).producer;
  REQUIRE(graph.node(id).op->canonical({graph, id, 17}).ok());
  REQUIRE(infer_node(graph, id).ok());
  const Shape& shape = *graph.value(y).type.shape;
  CHECK(shape[1] == floor_div(Dim::symbol("n"), Dim(2)) + Dim(1));
  CHECK(shape[2] == Dim(2));
}

TEST_CASE("DFT of every row of two parts along an axis") {
  const Tensor x = random_floats({3, 6, 3, 2}, 5);
  NodeRunner node("DFT", attrs_of("DFT", {}));
  node.input(x).absent().constant(Tensor::scalar<int64_t>(1)).output();
  const Tensor y = node.run("fourier_f64")[0];
  REQUIRE(y.dims() == x.dims());
  for (size_t row = 0; row < 9; ++row) {
    const size_t base = row / 3 * 36 + row % 3 * 2;
    std::vector<float> parts[2];
    for (size_t i = 0; i < 6; ++i)
      for (size_t part = 0; part < 2; ++part)
        parts[part].push_back(x.as<float>()[base + i * 6 + part]);
    const auto re = oracle(parts[0], 6, false);
    const auto im = oracle(parts[1], 6, false);
    for (size_t k = 0; k < 6; ++k) {
      const Complex expected = re[k] + Complex(0, 1) * im[k];
      CHECK(y.as<float>()[base + k * 6] == doctest::Approx(expected.real()).epsilon(1e-5));
      CHECK(y.as<float>()[base + k * 6 + 1] == doctest::Approx(expected.imag()).epsilon(1e-5));
    }
  }
}

TEST_CASE("STFT windows its frames") {
  struct Case {
    size_t rows, samples, step, length, parts;
  };
  for (const Case& c : {Case{2, 10, 3, 4, 1}, Case{1, 4, 3, 4, 1}, Case{1, 700, 16, 60, 1},
                        Case{3, 900, 160, 512, 1}, Case{2, 31, 2, 12, 2}, Case{1, 50, 1, 7, 2}}) {
    CAPTURE(c.length);
    const auto count = static_cast<int64_t>((c.samples - c.length) / c.step + 1);
    const Tensor signal =
        random_floats({static_cast<int64_t>(c.rows), static_cast<int64_t>(c.samples),
                       static_cast<int64_t>(c.parts)},
                      2);
    const Tensor window = random_floats({static_cast<int64_t>(c.length)}, 3);
    NodeRunner node("STFT", attrs_of("STFT", {{"onesided", int64_t{c.parts == 1}}}));
    node.input(signal)
        .constant(Tensor::scalar(static_cast<int64_t>(c.step)))
        .input(window)
        .output();
    const Tensor y = node.run("fourier_f64")[0];
    const size_t bins = c.parts == 1 ? c.length / 2 + 1 : c.length;
    REQUIRE(y.dims() == Dims{static_cast<int64_t>(c.rows), count, static_cast<int64_t>(bins), 2});
    std::vector<Complex> expected;
    for (size_t f = 0; f < c.rows * static_cast<size_t>(count); ++f) {
      const size_t first =
          f / static_cast<size_t>(count) * c.samples + f % static_cast<size_t>(count) * c.step;
      std::vector<Complex> sum(c.length);
      for (size_t part = 0; part < c.parts; ++part) {
        std::vector<float> frame;
        for (size_t i = 0; i < c.length; ++i)
          frame.push_back(signal.as<float>()[(first + i) * c.parts + part] * window.as<float>()[i]);
        const auto one = oracle(frame, c.length, false);
        for (size_t k = 0; k < c.length; ++k)
          sum[k] += (part == 0 ? Complex(1, 0) : Complex(0, 1)) * one[k];
      }
      expected.insert(expected.end(), sum.begin(), sum.begin() + static_cast<int64_t>(bins));
    }
    CHECK(relative_difference(y, parts(expected, expected.size(), y.dims())) < 1e-6);
  }
}

TEST_CASE("MelWeightMatrix: triangles of height 1 between their neighbours") {
  NodeRunner node("MelWeightMatrix", attrs_of("MelWeightMatrix", {}));
  node.constant(Tensor::scalar<int64_t>(4)).constant(Tensor::scalar<int64_t>(64));
  node.constant(Tensor::scalar<int64_t>(8000)).constant(Tensor::scalar(0.0F));
  node.constant(Tensor::scalar(4000.0F)).output();
  const Tensor y = node.run("reference")[0];
  REQUIRE(y.dims() == Dims{33, 4});
  for (size_t band = 0; band < 4; ++band) {
    int peaks = 0;
    for (size_t row = 0; row < 33; ++row) peaks += y.as<float>()[row * 4 + band] == 1.0F ? 1 : 0;
    CHECK(peaks == 1);
  }
}
