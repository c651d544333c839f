#include "engine/ops/glu.h"

#include "engine/passes/pass.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

// a * sigmoid(b) of the halves along `axis`, by logical index.
Tensor oracle(const Tensor& x, size_t axis) {
  Dims dims = x.dims();
  dims[axis] /= 2;
  size_t inner = 1;
  for (size_t a = axis; a < dims.size(); ++a) inner *= static_cast<size_t>(dims[a]);
  std::vector<float> y(x.count() / 2);
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t at = i / inner * 2 * inner + i % inner;
    const double gate = 1.0 / (1.0 + std::exp(-static_cast<double>(x.as<float>()[at + inner])));
    y[i] = static_cast<float>(static_cast<double>(x.as<float>()[at]) * gate);
  }
  return Tensor::of(dims, y);
}

struct Case {
  Dims x;
  int64_t axis;
};
const Case kCases[] = {{{6}, 0}, {{5, 34}, -1}, {{2, 12, 9}, 1}, {{1, 2, 3000}, 1}, {{3, 0, 4}, 1}};

// Split, Sigmoid and Mul over x [2, channels, 7], as exporters write them.
size_t nodes_left(int64_t channels, bool swapped) {
  Graph graph;
  const auto op = [&](std::string_view name, std::vector<ValueId> inputs, const AttrMap& attrs) {
    const OpDef& def = require_op("", name);
    return graph.add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                        graph.unique_name(std::string(name)));
  };
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{2, channels, 7}));
  const ValueId first = op("Split", {x}, {{"axis", int64_t{1}}, {"num_outputs", int64_t{2}}});
  const ValueId second = graph.add_value("second");
  graph.append_output(graph.value(first).producer, second);
  const ValueId gate = op("Sigmoid", {swapped ? first : second}, {});
  graph.set_outputs({op("Mul", {gate, swapped ? second : first}, {})});
  REQUIRE(infer_graph(graph).ok());
  REQUIRE(run_passes(graph, PassPhase::fusion).ok());
  return graph.node_count();
}

}  // namespace

TEST_CASE("Glu: every row and instruction set, floats and codes") {
  for (const Case& c : kCases) {
    const Tensor x = random_floats(c.x, 1, -4.0F, 4.0F);
    const Tensor expected = oracle(x, *normalize_axis(c.axis, c.x.size()));
    NodeRunner real("Glu", Attrs::of(ops::GluAttrs{c.axis}), kOctetDomain);
    real.input(x).output();
    CHECK(relative_difference(real.run("reference")[0], expected) < 1e-6);
    const QuantPtr quant = tensor_quant(DType::u8, 0.03F, 128);
    NodeRunner codes("Glu", Attrs::of(ops::GluAttrs{c.axis}), kOctetDomain);
    codes.input(x).output(quant);
    for (const CpuToken cpu : all_tokens()) {
      const Tensor y = real.run("elementwise_f32", cpu)[0];
      CHECK(relative_difference(y, expected) < 1e-6);
      const Tensor code = codes.run("elementwise_f32", cpu)[0];
      CHECK(code == codes.run("elementwise_f32", CpuToken::scalar())[0]);
      for (size_t i = 0; i < expected.count(); ++i) {
        const double steps =
            std::clamp(static_cast<double>(expected.as<float>()[i]) / 0.03 + 128, 0.0, 255.0);
        CHECK(std::fabs(code.as<uint8_t>()[i] - steps) <= 0.5 + 1.0 / 16);
      }
    }
  }
}

TEST_CASE(
    "Glu: exporters' Split, Sigmoid and Mul become one node when the gate is the second half") {
  CHECK(nodes_left(6, false) == 1);
  CHECK(nodes_left(6, true) == 3);
}
