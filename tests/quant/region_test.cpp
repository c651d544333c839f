#include <algorithm>

#include "engine/quant/channel_region.h"
#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;
using namespace octet::quant;

namespace {

struct Net {
  Graph graph;
  ValueId x;
  Tensor sample;
  unsigned seed = 100;

  Net(Shape shape, Dims dims) : sample(random_tensor(std::move(dims), 1)) {
    x = graph.add_input("x", Type::tensor(DType::f32, std::move(shape)));
  }
  ValueId constant(Dims dims) {
    ++seed;
    return graph.add_constant("w" + std::to_string(seed), random_tensor(std::move(dims), seed));
  }
  ValueId op(const char* name, std::vector<ValueId> inputs, const AttrMap& attrs = {}) {
    return add(graph, name, std::move(inputs), attrs, ("v" + std::to_string(++seed)).c_str());
  }
  ValueId linear(ValueId from, int64_t inputs, int64_t outputs) {
    const ValueId product = op("MatMul", {from, constant({inputs, outputs})});
    return op("Add", {product, constant({outputs})});
  }
  ValueId reshape(ValueId from, std::vector<int64_t> dims) {
    const Dims extent{static_cast<int64_t>(dims.size())};
    const std::string name = "shape" + std::to_string(++seed);
    return op("Reshape", {from, graph.add_constant(name, Tensor::of(extent, dims))});
  }
  void finish(ValueId y) {
    graph.set_outputs({y});
    REQUIRE(infer_graph(graph).ok());
  }
};

Net rows(int64_t width) { return {Shape{Dim::symbol("n"), width}, {5, width}}; }
Net sequence(int64_t width) { return {Shape{1, Dim::symbol("t"), width}, {1, 7, width}}; }
Net image(int64_t channels) { return {Shape{1, channels, 6, 6}, {1, channels, 6, 6}}; }

Net norm_and_products() {
  Net n = sequence(8);
  const ValueId h = n.op("LayerNormalization", {n.x, n.constant({8}), n.constant({8})});
  n.finish(n.op("Add", {n.linear(h, 8, 6), n.linear(h, 8, 6)}));
  return n;
}

Net norm_moved_to_convolution() {
  Net n = sequence(8);
  const ValueId h = n.op("LayerNormalization", {n.x, n.constant({8}), n.constant({8})});
  const ValueId t = n.op("Transpose", {h}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
  n.finish(n.op("Conv", {t, n.constant({5, 8, 3}), n.constant({5})}));
  return n;
}

Net depthwise_chain() {
  Net n = image(3);
  ValueId h = n.op("Conv", {n.x, n.constant({8, 3, 3, 3}), n.constant({8})});
  h = n.op("Relu", {h});
  h = n.op("Conv", {h, n.constant({8, 1, 3, 3})}, {{"group", int64_t{8}}});
  h = n.op("LeakyRelu", {h});
  n.finish(n.op("Conv", {h, n.constant({4, 4, 1, 1})}, {{"group", int64_t{2}}}));
  return n;
}

Net flattened_channels() {
  Net n = image(3);
  ValueId h = n.op("Conv", {n.x, n.constant({4, 3, 3, 3}), n.constant({4})});
  h = n.reshape(n.op("Relu", {h}), {1, 64});
  n.finish(n.op("Gemm", {h, n.constant({10, 64}), n.constant({10})}, {{"transB", int64_t{1}}}));
  return n;
}

Net gated_unit() {
  Net n = sequence(6);
  const ValueId halves = n.linear(n.x, 6, 16);
  const ValueId a = n.op("Split", {halves}, {{"axis", int64_t{2}}, {"num_outputs", int64_t{2}}});
  n.graph.append_output(n.graph.value(a).producer, n.graph.add_value("gate"));
  const ValueId gate = n.graph.node(n.graph.value(a).producer).outputs[1];
  n.finish(n.linear(n.op("Mul", {a, n.op("Sigmoid", {gate})}), 8, 5));
  return n;
}

// softmax(Q K^T) V with two heads of four.
Net attention() {
  Net n = sequence(8);
  const auto heads = [&](ValueId from, std::vector<int64_t> order) {
    return n.op("Transpose", {n.reshape(from, {1, 7, 2, 4})}, {{"perm", std::move(order)}});
  };
  const ValueId q = heads(n.linear(n.x, 8, 8), {0, 2, 1, 3});
  const ValueId k = heads(n.linear(n.x, 8, 8), {0, 2, 3, 1});
  const ValueId v = heads(n.linear(n.x, 8, 8), {0, 2, 1, 3});
  const ValueId p = n.op("Softmax", {n.op("MatMul", {q, k})});
  const ValueId mixed =
      n.op("Transpose", {n.op("MatMul", {p, v})}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  n.finish(n.linear(n.reshape(mixed, {1, 7, 8}), 8, 3));
  return n;
}

// The norm's output is also added to what the products make of it, as behind post-norm attention.
Net norm_and_residual() {
  Net n = sequence(8);
  const ValueId gain = n.constant({8});
  const ValueId h = n.op("LayerNormalization", {n.x, gain, n.constant({8})});
  const ValueId sum = n.op("Add", {h, n.linear(n.op("Tanh", {n.linear(h, 8, 6)}), 6, 8)});
  n.finish(n.op("LayerNormalization", {sum, n.constant({8}), n.constant({8})}));
  return n;
}

Net shared_weight() {
  Net n = rows(8);
  const ValueId w = n.constant({8, 8});
  n.finish(n.op("MatMul", {n.op("MatMul", {n.x, w}), w}));
  return n;
}

Net clipped() {
  Net n = rows(8);
  const ValueId six = n.graph.add_constant("six", Tensor::scalar(6.0F));
  const ValueId h = n.op("Clip", {n.linear(n.x, 8, 8), kNoValue, six});
  n.finish(n.linear(h, 8, 4));
  return n;
}

Net residual_to_norm() {
  Net n = rows(8);
  const ValueId h = n.op("Add", {n.x, n.linear(n.x, 8, 8)});
  n.finish(n.linear(h, 8, 8));
  return n;
}

Net also_a_result() {
  Net n = rows(8);
  const ValueId h = n.linear(n.x, 8, 8);
  n.finish(n.linear(h, 8, 4));
  n.graph.set_outputs({n.graph.outputs()[0], h});
  return n;
}

std::vector<float> powers_of_two(size_t count) {
  std::vector<float> factors;
  for (size_t c = 0; c < count; ++c)
    factors.push_back(std::exp2(static_cast<float>(c * 5 % 7) - 3.0F));
  return factors;
}

// Element i of a row-major tensor after its channels were multiplied.
float scaled(const Tensor& t, size_t i, const Channels& channels,
             const std::vector<float>& factors) {
  size_t flat = 0;
  for (const size_t a : channels.axes) {
    size_t inner = 1;
    for (size_t b = a + 1; b < t.rank(); ++b) inner *= static_cast<size_t>(t.dims()[b]);
    const auto extent = static_cast<size_t>(t.dims()[a]);
    flat = flat * extent + i / inner % extent;
  }
  if (flat < channels.first) return t.as<float>()[i];
  const size_t c = (flat - channels.first) / channels.repeat;
  if (c >= factors.size()) return t.as<float>()[i];
  return channels.exponent > 0 ? t.as<float>()[i] * factors[c] : t.as<float>()[i] / factors[c];
}

Tensor inner_value(const Graph& graph, ValueId id, const Tensor& sample) {
  const auto copy = graph.clone();
  copy->set_outputs({id});
  return result_of(*copy, sample, false);
}

}  // namespace

TEST_CASE("scaling a region moves its values and keeps the results' bits") {
  const struct {
    const char* name;
    Net (*make)();
    size_t regions;
  } cases[] = {
      {"norm, two products", norm_and_products, 1},
      {"norm, transposed, convolution", norm_moved_to_convolution, 1},
      {"convolution, depthwise, grouped", depthwise_chain, 2},
      {"flattened channels", flattened_channels, 1},
      {"gated unit", gated_unit, 1},
      {"attention: query and key, value", attention, 2},
      {"norm, product, residual sum", norm_and_residual, 1},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Net net = c.make();
    const auto regions = find_regions(net.graph);
    CHECK(regions.size() == c.regions);
    const Tensor want = result_of(net.graph, net.sample, false);
    for (const ChannelRegion& region : regions) {
      const auto before = net.graph.clone();
      const auto factors = powers_of_two(region.count);
      scale_region(net.graph, region, factors);
      CHECK(result_of(net.graph, net.sample, false) == want);
      for (const Operand& operand : region.operands) {
        const Tensor old = inner_value(*before, operand.value, net.sample);
        const Tensor now = inner_value(net.graph, operand.value, net.sample);
        size_t wrong = 0;
        for (size_t i = 0; i < old.count(); ++i)
          wrong += now.as<float>()[i] == scaled(old, i, operand.channels, factors) ? 0 : 1;
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("what a positive factor doesn't commute with is no region") {
  const struct {
    const char* name;
    Net (*make)();
  } cases[] = {{"a weight that is read twice", shared_weight},
               {"a clamp at six", clipped},
               {"an input of the graph in a sum", residual_to_norm},
               {"a value that is a result too", also_a_result}};
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(find_regions(c.make().graph).empty());
  }
}
