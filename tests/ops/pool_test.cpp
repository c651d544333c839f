#include <limits>

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attrs_of(std::string_view op, const AttrMap& map) {
  return require_op("", op).attrs.read(map, kWrittenOpset).value();
}

struct Case {
  const char* name;
  int64_t height, width;
  std::vector<int64_t> kernel, strides, dilations, pads;
  int64_t ceil;
  int64_t out_height, out_width;
};

const Case kCases[] = {
    {"plain", 4, 5, {2, 2}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 0, 3, 4},
    {"strides and pads", 7, 6, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 0, 4, 3},
    {"rounded up", 7, 6, {3, 2}, {2, 3}, {1, 1}, {0, 0, 0, 0}, 1, 3, 2},
    {"rounded up, a window that would begin past the input",
     2,
     4,
     {1, 1},
     {2, 3},
     {1, 1},
     {0, 0, 1, 1},
     1,
     1,
     2},
    {"dilations", 7, 7, {2, 3}, {1, 1}, {3, 2}, {0, 1, 0, 1}, 0, 4, 5},
};

// Windows from the definition, one tap after another.
Tensor oracle(const Case& c, const Tensor& x, bool maximum, bool include_pad) {
  const auto planes = static_cast<size_t>(x.dims()[0] * x.dims()[1]);
  std::vector<float> out;
  for (size_t plane = 0; plane < planes; ++plane)
    for (int64_t oy = 0; oy < c.out_height; ++oy)
      for (int64_t ox = 0; ox < c.out_width; ++ox) {
        double best = -std::numeric_limits<double>::infinity();
        double sum = 0.0;
        int inside = 0;
        int padded = 0;
        for (int64_t ky = 0; ky < c.kernel[0]; ++ky)
          for (int64_t kx = 0; kx < c.kernel[1]; ++kx) {
            const int64_t y = oy * c.strides[0] + ky * c.dilations[0] - c.pads[0];
            const int64_t w = ox * c.strides[1] + kx * c.dilations[1] - c.pads[1];
            padded += y < c.height + c.pads[2] && w < c.width + c.pads[3] ? 1 : 0;
            if (y < 0 || w < 0 || y >= c.height || w >= c.width) continue;
            const auto at = plane * static_cast<size_t>(c.height * c.width) +
                            static_cast<size_t>(y * c.width + w);
            best = std::max(best, static_cast<double>(x.as<float>()[at]));
            sum += static_cast<double>(x.as<float>()[at]);
            ++inside;
          }
        out.push_back(static_cast<float>(maximum ? best : sum / (include_pad ? padded : inside)));
      }
  return Tensor::of(Dims{x.dims()[0], x.dims()[1], c.out_height, c.out_width}, out);
}

AttrMap attr_map(const Case& c) {
  return {{"kernel_shape", c.kernel},
          {"strides", c.strides},
          {"dilations", c.dilations},
          {"pads", c.pads},
          {"ceil_mode", c.ceil}};
}

}  // namespace

TEST_CASE("MaxPool and AveragePool: float rows on every instruction set") {
  for (const Case& c : kCases) {
    INFO(c.name);
    const Tensor x = random_floats({2, 19, c.height, c.width}, 3);
    for (const CpuToken cpu : all_tokens()) {
      NodeRunner max("MaxPool", attrs_of("MaxPool", attr_map(c)));
      max.input(x).output();
      CHECK(max.run("pool_f32", cpu)[0] == oracle(c, x, true, false));
      CHECK(max.run("reference", cpu)[0] == oracle(c, x, true, false));
      for (const int64_t include : {0, 1}) {
        AttrMap map = attr_map(c);
        map["count_include_pad"] = include;
        NodeRunner mean("AveragePool", attrs_of("AveragePool", map));
        mean.input(x).output();
        const Tensor expected = oracle(c, x, false, include != 0);
        CHECK(relative_difference(mean.run("pool_f32", cpu)[0], expected) < 1e-6);
        CHECK(mean.info().kernel == "pool_f32");
        CHECK(relative_difference(mean.run("reference", cpu)[0], expected) < 1e-6);
      }
    }
  }
}

TEST_CASE("pools of codes stay codes") {
  const Case& c = kCases[1];
  const Tensor x = random_codes<uint8_t>({1, 5, c.height, c.width}, 4);
  const QuantPtr in = tensor_quant(DType::u8, 0.05F, 120);
  const QuantPtr other = tensor_quant(DType::s8, 0.03F, -3);
  for (const CpuToken cpu : all_tokens()) {
    NodeRunner max("MaxPool", attrs_of("MaxPool", attr_map(c)));
    max.input(x, in).output(in);
    CHECK(max.run("pool_s8", cpu)[0] == max.run("reference", cpu)[0]);
    for (const char* op : {"AveragePool", "GlobalAveragePool"}) {
      const bool global = std::string_view(op) == "GlobalAveragePool";
      NodeRunner mean(op, attrs_of(op, global ? AttrMap{} : attr_map(c)));
      mean.input(x, in).output(other);
      const Tensor actual = mean.run("pool_s8", cpu)[0];
      const Tensor expected = mean.run("reference", cpu)[0];
      REQUIRE(actual.dims() == expected.dims());
      // The mean of codes is rounded once; that of numbers may fall on the other side of a tie.
      for (size_t i = 0; i < actual.count(); ++i)
        CHECK(std::abs(actual.as<int8_t>()[i] - expected.as<int8_t>()[i]) <= 1);
    }
  }
  NodeRunner rescaled("MaxPool", attrs_of("MaxPool", attr_map(c)));
  rescaled.input(x, in).output(other);
  CHECK(rescaled.rows().front() == "pool_f32");
}

TEST_CASE("MaxPool gives flat indices in either order") {
  const Tensor x = Tensor::of(Dims{1, 2, 2, 3}, std::vector<float>{1, 2, 9, 4, 5, 6,  //
                                                                   9, 8, 7, 6, 5, 4});
  for (const int64_t order : {0, 1}) {
    NodeRunner node("MaxPool", attrs_of("MaxPool", {{"kernel_shape", std::vector<int64_t>{2, 3}},
                                                    {"storage_order", order}}));
    node.input(x).output().output();
    CHECK(node.rows() == std::vector<std::string>{"reference"});
    const auto outputs = node.run("reference");
    CHECK(outputs[0] == Tensor::of(Dims{1, 2, 1, 1}, std::vector<float>{9, 9}));
    CHECK(outputs[1] == Tensor::of(Dims{1, 2, 1, 1}, std::vector<int64_t>{order == 0 ? 2 : 4, 6}));
  }
}

TEST_CASE("global pools of any rank") {
  const Tensor x = Tensor::of(Dims{1, 2, 3}, std::vector<float>{1, 2, 6, -1, -2, -9});
  for (const char* row : {"reduce_f32", "reference"}) {
    NodeRunner mean("GlobalAveragePool", attrs_of("GlobalAveragePool", {}));
    mean.input(x).output();
    CHECK(mean.run(row)[0] == Tensor::of(Dims{1, 2, 1}, std::vector<float>{3, -4}));
    NodeRunner max("GlobalMaxPool", attrs_of("GlobalMaxPool", {}));
    max.input(x).output();
    CHECK(max.run(row)[0] == Tensor::of(Dims{1, 2, 1}, std::vector<float>{6, -1}));
  }
}

TEST_CASE("pool dims with symbols") {
  Graph graph;
  const Dim h = Dim::symbol("h");
  const ValueId x =
      graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), Dim(3), h, h}));
  const auto shape = [&](const AttrMap& map) {
    const ValueId y = graph.add_op(require_op("", "MaxPool"), {x}, attrs_of("MaxPool", map), "y");
    REQUIRE(infer_node(graph, graph.value(y).producer).ok());
    return *graph.value(y).type.shape;
  };
  const std::vector<int64_t> two = {2, 2};
  CHECK(shape({{"kernel_shape", two}, {"strides", two}})[2] ==
        floor_div(h - Dim(2), Dim(2)) + Dim(1));
  CHECK(shape({{"kernel_shape", two},
               {"strides", two},
               {"auto_pad", std::string("SAME_UPPER")}})[2] == ceil_div(h, Dim(2)));
}

TEST_CASE("LpPool and GlobalLpPool take lengths") {
  const Tensor x = Tensor::of(Dims{1, 1, 4}, std::vector<float>{3, -4, 6, 8});
  NodeRunner node("LpPool", attrs_of("LpPool", {{"kernel_shape", std::vector<int64_t>{2}},
                                                {"strides", std::vector<int64_t>{2}}}));
  node.input(x).output();
  CHECK(relative_difference(node.run("reference")[0],
                            Tensor::of(Dims{1, 1, 2}, std::vector<float>{5, 10})) < 1e-6);
  NodeRunner global("GlobalLpPool", attrs_of("GlobalLpPool", {{"p", int64_t{1}}}));
  global.input(x).output();
  CHECK(relative_difference(global.run("reference")[0],
                            Tensor::of(Dims{1, 1, 1}, std::vector<float>{21})) < 1e-6);
}

TEST_CASE("MaxUnpool puts maxima back, in a larger output too") {
  const Tensor x = Tensor::of(Dims{1, 1, 1, 2}, std::vector<float>{5, 6});
  const Tensor indices = Tensor::of(Dims{1, 1, 1, 2}, std::vector<int64_t>{5, 3});
  const AttrMap map = {{"kernel_shape", std::vector<int64_t>{2, 2}},
                       {"strides", std::vector<int64_t>{2, 2}}};
  NodeRunner node("MaxUnpool", attrs_of("MaxUnpool", map));
  node.input(x).input(indices).output();
  CHECK(node.run("reference")[0] ==
        Tensor::of(Dims{1, 1, 2, 4}, std::vector<float>{0, 0, 0, 6, 0, 5, 0, 0}));
  NodeRunner wide("MaxUnpool", attrs_of("MaxUnpool", map));
  wide.input(x).input(indices);
  wide.constant(Tensor::of(Dims{4}, std::vector<int64_t>{1, 1, 2, 5})).output();
  CHECK(wide.run("reference")[0] ==
        Tensor::of(Dims{1, 1, 2, 5}, std::vector<float>{0, 0, 0, 6, 0, 0, 5, 0, 0, 0}));
}
