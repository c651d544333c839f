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
  for (const Case& c : {Case{8, 8, false, false}, Case{7, 7, false, true}, Case{8, 8, true, false},
                        Case{5, 12, false, false}, Case{9, 4, false, true}, Case{1, 1, false, true},
                        Case{16, 16, false, true}}) {
    const Tensor x = random_floats({1, c.extent, 1}, 1);
    NodeRunner node("DFT", attrs_of("DFT", {{"inverse", int64_t{c.inverse}},
                                            {"onesided", int64_t{c.onesided}}}));
    node.input(x).constant(Tensor::scalar(c.length)).output();
    const auto bins = static_cast<size_t>(c.onesided ? c.length / 2 + 1 : c.length);
    const auto expected = oracle(x.as<float>(), static_cast<size_t>(c.length), c.inverse);
    CHECK(relative_difference(node.run("reference")[0],
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

TEST_CASE("STFT windows its frames") {
  const Tensor signal = random_floats({2, 10, 1}, 2);
  const Tensor window = random_floats({4}, 3);
  NodeRunner node("STFT", attrs_of("STFT", {}));
  node.input(signal).constant(Tensor::scalar<int64_t>(3)).input(window).output();
  const Tensor y = node.run("reference")[0];
  REQUIRE(y.dims() == Dims{2, 3, 3, 2});
  for (size_t f = 0; f < 6; ++f) {
    std::vector<float> frame;
    for (size_t i = 0; i < 4; ++i)
      frame.push_back(signal.as<float>()[f / 3 * 10 + f % 3 * 3 + i] * window.as<float>()[i]);
    const auto expected = oracle(frame, 4, false);
    for (size_t k = 0; k < 3; ++k) {
      CHECK(y.as<float>()[(f * 3 + k) * 2] == doctest::Approx(expected[k].real()).epsilon(1e-5));
      CHECK(y.as<float>()[(f * 3 + k) * 2 + 1] ==
            doctest::Approx(expected[k].imag()).epsilon(1e-5));
    }
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
