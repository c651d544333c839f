#include "engine/ops/conv.h"

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::ConvAttrs;

namespace {

struct Case {
  const char* name;
  Dims x, w, out;
  ConvAttrs attrs;
  const char* best = "conv_f32";
};

const Case kCases[] = {
    {.name = "3x3",
     .x = {2, 3, 7, 6},
     .w = {5, 3, 3, 3},
     .out = {2, 5, 7, 6},
     .attrs = {.pads = {1, 1, 1, 1}}},
    {.name = "pointwise",
     .x = {1, 16, 4, 4},
     .w = {33, 16, 1, 1},
     .out = {1, 33, 4, 4},
     .attrs = {}},
    {.name = "stride and asymmetric pads",
     .x = {1, 4, 9, 8},
     .w = {6, 4, 3, 2},
     .out = {1, 6, 5, 4},
     .attrs = {.pads = {0, 1, 2, 0}, .strides = {2, 2}}},
    {.name = "dilation",
     .x = {1, 2, 9, 9},
     .w = {3, 2, 3, 3},
     .out = {1, 3, 5, 3},
     .attrs = {.dilations = {2, 3}}},
    {.name = "3x3 by Winograd's transforms",
     .x = {2, 16, 9, 6},
     .w = {32, 16, 3, 3},
     .out = {2, 32, 9, 6},
     .attrs = {.pads = {1, 1, 1, 1}},
     .best = "winograd_f32"},
    {.name = "too small an image for them",
     .x = {1, 16, 4, 8},
     .w = {32, 16, 3, 3},
     .out = {1, 32, 4, 8},
     .attrs = {.pads = {1, 1, 1, 1}}},
    {.name = "groups",
     .x = {2, 6, 5, 5},
     .w = {4, 3, 3, 3},
     .out = {2, 4, 3, 3},
     .attrs = {.group = 2}},
    {.name = "depthwise",
     .x = {2, 19, 6, 5},
     .w = {19, 1, 3, 3},
     .out = {2, 19, 6, 5},
     .attrs = {.group = 19, .pads = {1, 1, 1, 1}},
     .best = "depthwise_f32"},
    {.name = "channel multiplier",
     .x = {1, 4, 5, 5},
     .w = {8, 1, 3, 3},
     .out = {1, 8, 3, 3},
     .attrs = {.group = 4}},
    {.name = "1-D",
     .x = {2, 5, 11},
     .w = {7, 5, 3},
     .out = {2, 7, 6},
     .attrs = {.pads = {1, 1}, .strides = {2}}},
    {.name = "1-D depthwise",
     .x = {1, 24, 20},
     .w = {24, 1, 15},
     .out = {1, 24, 20},
     .attrs = {.group = 24, .pads = {7, 7}},
     .best = "depthwise_f32"},
    {.name = "3-D",
     .x = {1, 2, 4, 4, 4},
     .w = {3, 2, 2, 2, 2},
     .out = {1, 3, 3, 3, 3},
     .attrs = {},
     .best = "reference"},
    {.name = "same upper",
     .x = {1, 1, 5, 6},
     .w = {1, 1, 3, 3},
     .out = {1, 1, 3, 3},
     .attrs = {.auto_pad = "SAME_UPPER", .strides = {2, 2}}},
    {.name = "same lower",
     .x = {1, 1, 5, 6},
     .w = {2, 1, 2, 3},
     .out = {1, 2, 3, 3},
     .attrs = {.auto_pad = "SAME_LOWER", .strides = {2, 2}}},
    {.name = "valid",
     .x = {1, 3, 5, 6},
     .w = {2, 3, 2, 3},
     .out = {1, 2, 4, 4},
     .attrs = {.auto_pad = "VALID"}},
    {.name = "empty batch", .x = {0, 3, 5, 5}, .w = {2, 3, 3, 3}, .out = {0, 2, 3, 3}, .attrs = {}},
};

int64_t pad_of(const Case& c, size_t axis) {
  if (c.attrs.auto_pad == "NOTSET") return c.attrs.pads.empty() ? 0 : c.attrs.pads[axis];
  if (c.attrs.auto_pad == "VALID") return 0;
  const int64_t stride = c.attrs.strides.empty() ? 1 : c.attrs.strides[axis];
  const int64_t total =
      std::max<int64_t>(0, (c.out[axis + 2] - 1) * stride + c.w[axis + 2] - c.x[axis + 2]);
  return c.attrs.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
}

// Three spatial axes, leading ones of extent 1 where the case has fewer.
Tensor oracle(const Case& c, const Tensor& x, const Tensor& w, const Tensor& bias) {
  const size_t spatial = c.x.size() - 2, missing = 3 - spatial;
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
  for (size_t i = 0; i < 3; ++i) {
    const bool here = i >= missing;
    const size_t axis = here ? i - missing : 0;
    in[i] = here ? c.x[axis + 2] : 1;
    out[i] = here ? c.out[axis + 2] : 1;
    kernel[i] = here ? c.w[axis + 2] : 1;
    stride[i] = here && !c.attrs.strides.empty() ? c.attrs.strides[axis] : 1;
    dilation[i] = here && !c.attrs.dilations.empty() ? c.attrs.dilations[axis] : 1;
    pad[i] = here ? pad_of(c, axis) : 0;
  }
  const int64_t group_in = c.w[1], group_out = c.w[0] / c.attrs.group;
  std::vector<float> result;
  for (int64_t n = 0; n < c.out[0]; ++n)
    for (int64_t m = 0; m < c.out[1]; ++m)
      for (int64_t z = 0; z < out[0]; ++z)
        for (int64_t y = 0; y < out[1]; ++y)
          for (int64_t v = 0; v < out[2]; ++v) {
            double sum = bias.as<float>()[static_cast<size_t>(m)];
            for (int64_t ch = 0; ch < group_in; ++ch)
              for (int64_t a = 0; a < kernel[0]; ++a)
                for (int64_t b = 0; b < kernel[1]; ++b)
                  for (int64_t d = 0; d < kernel[2]; ++d) {
                    const int64_t iz = z * stride[0] + a * dilation[0] - pad[0];
                    const int64_t iy = y * stride[1] + b * dilation[1] - pad[1];
                    const int64_t ix = v * stride[2] + d * dilation[2] - pad[2];
                    if (iz < 0 || iy < 0 || ix < 0 || iz >= in[0] || iy >= in[1] || ix >= in[2])
                      continue;
                    const int64_t channel = m / group_out * group_in + ch;
                    const int64_t xi =
                        (((n * c.x[1] + channel) * in[0] + iz) * in[1] + iy) * in[2] + ix;
                    const int64_t wi =
                        (((m * group_in + ch) * kernel[0] + a) * kernel[1] + b) * kernel[2] + d;
                    sum += static_cast<double>(x.as<float>()[static_cast<size_t>(xi)]) *
                           w.as<float>()[static_cast<size_t>(wi)];
                  }
            result.push_back(static_cast<float>(sum));
          }
  return Tensor::of(c.out, result);
}

}  // namespace

TEST_CASE("Conv: every row and instruction set against plain loops") {
  for (const Case& c : kCases) {
    INFO(c.name);
    const Tensor x = random_floats(c.x, 1);
    const Tensor w = random_floats(c.w, 2);
    const Tensor bias = random_floats({c.w[0]}, 3);
    const Tensor expected = oracle(c, x, w, bias);
    for (const CpuToken cpu : all_tokens())
      for (const bool constant : {true, false}) {
        NodeRunner node("Conv", Attrs::of(c.attrs));
        node.input(x);
        constant ? node.constant(w) : node.input(w);
        node.constant(bias).output();
        const auto rows = node.rows(cpu);
        if (constant) CHECK(rows.front() == c.best);
        for (const std::string& row : rows) {
          INFO(row);
          CHECK(relative_difference(node.run(row, cpu)[0], expected) < 1e-5);
          CHECK((row == "reference" || node.info().kernel == row));
          CHECK(cpu.allows(node.info().isa));
        }
      }
  }
}

TEST_CASE("Conv: activation and residual that fusion adds") {
  struct Fused {
    Case conv;
    size_t rows_before, rows_after;
  };
  const Fused kFused[] = {{{.name = "depthwise",
                            .x = {1, 8, 5, 5},
                            .w = {8, 1, 3, 3},
                            .out = {1, 8, 5, 5},
                            .attrs = {.group = 8, .pads = {1, 1, 1, 1}}},
                           2,
                           3},
                          {{.name = "3x3",
                            .x = {1, 16, 6, 9},
                            .w = {16, 16, 3, 3},
                            .out = {1, 16, 6, 9},
                            .attrs = {.pads = {1, 1, 1, 1}}},
                           3,
                           3}};
  for (const auto& [c, rows_before, rows_after] : kFused)
    for (const auto place :
         {Epilogue::Residual::before_activation, Epilogue::Residual::after_activation}) {
      INFO(c.name);
      const Tensor x = random_floats(c.x, 1), w = random_floats(c.w, 2);
      const Tensor bias = random_floats({c.w[0]}, 3), residual = random_floats(c.out, 4);
      const Tensor plain = oracle(c, x, w, bias);
      const bool before = place == Epilogue::Residual::before_activation;
      std::vector<float> expected;
      for (size_t i = 0; i < plain.count(); ++i) {
        const float r = residual.as<float>()[i];
        const float v = plain.as<float>()[i] + (before ? r : 0.0F);
        expected.push_back(std::max(v, 0.0F) + (before ? 0.0F : r));
      }
      ConvAttrs attrs = c.attrs;
      attrs.epilogue = {.activation = Activation::relu, .residual = place};
      NodeRunner node("Conv", Attrs::of(attrs));
      node.input(x).constant(w).constant(bias).input(residual).output();
      CHECK(node.rows().size() == (before ? rows_before : rows_after));
      for (const std::string& row : node.rows()) {
        INFO(row);
        CHECK(relative_difference(node.run(row)[0], Tensor::of(c.out, expected)) < 1e-5);
      }
    }
}

TEST_CASE("Conv: groups that don't divide the channels are refused by name") {
  Graph graph;
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{1, 16, 8, 8}));
  const ValueId w = graph.add_constant("w", random_floats({5, 3, 3, 3}, 1));
  graph.add_op(require_op("", "Conv"), {x, w}, Attrs::of(ConvAttrs{.group = 5}), "c3");
  const Status status = infer_graph(graph);
  REQUIRE(!status.ok());
  CHECK(status.error().message == "Conv 'c3': group 5 does not divide C=16");
}
