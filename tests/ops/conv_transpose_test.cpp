#include "engine/ops/conv_transpose.h"

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::ConvTransposeAttrs;

namespace {

struct Case {
  const char* name;
  ConvTransposeAttrs attrs;
  Dims x, w, out;
  int64_t pad_y, pad_x;  // at the top and on the left
};

size_t at(const Dims& d, int64_t n, int64_t c, int64_t y, int64_t x) {
  return static_cast<size_t>(((n * d[1] + c) * d[2] + y) * d[3] + x);
}

// Scatters every input pixel, the other way round than the implementations.
Tensor oracle(const Case& c, const Tensor& x, const Tensor& w, const Tensor& bias) {
  const auto entry = [](const std::vector<int64_t>& v, size_t i) { return v.empty() ? 1 : v[i]; };
  const int64_t outputs = c.w[1], inputs = c.x[1] / c.attrs.group;
  std::vector<double> sums(static_cast<size_t>(checked_count(c.out).value()));
  for (size_t i = 0; i < sums.size(); ++i)
    sums[i] = bias.as<float>()[i / static_cast<size_t>(c.out[2] * c.out[3]) % bias.count()];
  for (int64_t n = 0; n < c.x[0]; ++n)
    for (int64_t i = 0; i < c.x[1]; ++i)
      for (int64_t o = 0; o < outputs; ++o)
        for (int64_t y = 0; y < c.x[2]; ++y)
          for (int64_t z = 0; z < c.x[3]; ++z)
            for (int64_t ky = 0; ky < c.w[2]; ++ky)
              for (int64_t kx = 0; kx < c.w[3]; ++kx) {
                const int64_t row =
                    y * entry(c.attrs.strides, 0) + ky * entry(c.attrs.dilations, 0) - c.pad_y;
                const int64_t column =
                    z * entry(c.attrs.strides, 1) + kx * entry(c.attrs.dilations, 1) - c.pad_x;
                if (row < 0 || row >= c.out[2] || column < 0 || column >= c.out[3]) continue;
                sums[at(c.out, n, i / inputs * outputs + o, row, column)] +=
                    static_cast<double>(x.as<float>()[at(c.x, n, i, y, z)]) *
                    static_cast<double>(w.as<float>()[at(c.w, i, o, ky, kx)]);
              }
  return Tensor::of(c.out, std::vector<float>(sums.begin(), sums.end()));
}

std::vector<Case> cases() {
  return {
      {"plain", {}, {1, 3, 4, 5}, {3, 6, 3, 3}, {1, 6, 6, 7}, 0, 0},
      {"stride, pads, output padding",
       {.output_padding = {1, 0}, .pads = {1, 0, 1, 1}, .strides = {2, 3}},
       {2, 3, 4, 5},
       {3, 17, 3, 2},
       {2, 17, 8, 13},
       1,
       0},
      {"dilation and groups",
       {.dilations = {2, 1}, .group = 2, .strides = {1, 2}},
       {1, 4, 5, 3},
       {4, 3, 2, 3},
       {1, 6, 7, 7},
       0,
       0},
      {"upper",
       {.auto_pad = "SAME_UPPER", .strides = {2, 2}},
       {1, 2, 3, 3},
       {2, 2, 3, 3},
       {1, 2, 6, 6},
       0,
       0},
      {"lower",
       {.auto_pad = "SAME_LOWER", .strides = {2, 2}},
       {1, 2, 3, 3},
       {2, 2, 3, 3},
       {1, 2, 6, 6},
       1,
       1},
      {"output shape",
       {.output_shape = {5, 8}, .strides = {2, 2}},
       {1, 2, 3, 3},
       {2, 2, 3, 3},
       {1, 2, 5, 8},
       1,
       0},
  };
}

}  // namespace

TEST_CASE("ConvTranspose: every row and instruction set against scattered inputs") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const Tensor x = random_floats(c.x, 1);
    const Tensor w = random_floats(c.w, 2);
    const Tensor bias = random_floats({c.out[1]}, 3);
    const Tensor expected = oracle(c, x, w, bias);
    NodeRunner node("ConvTranspose", Attrs::of(c.attrs));
    node.input(x).constant(w).input(bias).output();
    for (const CpuToken cpu : all_tokens()) {
      CHECK(relative_difference(node.run("conv_transpose_f32", cpu)[0], expected) < 1e-5);
      CHECK(node.info().kernel == "conv_transpose_f32");
    }
    CHECK(relative_difference(node.run("reference")[0], expected) < 1e-5);
  }
}

TEST_CASE("ConvTranspose: one axis has the same kernel, weights may be an activation") {
  const Case flat{"flat", {.strides = {1, 2}}, {2, 3, 1, 6}, {3, 4, 1, 3}, {2, 4, 1, 13}, 0, 0};
  const Tensor x = random_floats(flat.x, 4);
  const Tensor w = random_floats(flat.w, 5);
  const Tensor expected =
      oracle(flat, x, w, Tensor::of({1}, std::vector<float>{0.0F})).reshaped({2, 4, 13});
  NodeRunner node("ConvTranspose", Attrs::of(ConvTransposeAttrs{.strides = {2}}));
  node.input(x.reshaped({2, 3, 6})).constant(w.reshaped({3, 4, 3})).output();
  CHECK(relative_difference(node.run("conv_transpose_f32")[0], expected) < 1e-5);
  NodeRunner variable("ConvTranspose", Attrs::of(ConvTransposeAttrs{.strides = {2}}));
  variable.input(x.reshaped({2, 3, 6})).input(w.reshaped({3, 4, 3})).output();
  CHECK(variable.rows() == std::vector<std::string>{"reference"});
  CHECK(relative_difference(variable.run("reference")[0], expected) < 1e-5);
}

TEST_CASE("ConvTranspose: codes within one step of scattered inputs, the same on every set") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const QuantPtr in = tensor_quant(DType::u8, 0.01F, 120),
                   out = tensor_quant(DType::s8, 0.05F, 3);
    const QuantPtr tensor = tensor_quant(DType::s8, 0.01F, 0);
    const bool grouped = c.attrs.group != 1;
    QuantType channels = *tensor;
    channels.axis = 1;
    std::vector<float> scales(static_cast<size_t>(c.w[1]));
    for (size_t i = 0; i < scales.size(); ++i) scales[i] = 0.005F + 0.001F * static_cast<float>(i);
    channels.scale = Tensor::of({c.w[1]}, scales);
    channels.zero_point = *Tensor::zeros(DType::s8, {c.w[1]});
    const QuantPtr weights = grouped ? tensor : std::make_shared<const QuantType>(channels);
    const Tensor x = quantized(random_floats(c.x, 1), *in);
    const Tensor w = random_codes<int8_t>(c.w, 2);
    const Tensor bias = random_floats({c.out[1]}, 3);
    const auto real = [](const Tensor& codes, const QuantPtr& quant) {
      return Tensor::of(codes.dims(), ops::real_elements(codes, quant));
    };
    const Tensor expected = quantized(oracle(c, real(x, in), real(w, weights), bias), *out);
    NodeRunner node("ConvTranspose", Attrs::of(c.attrs));
    node.input(x, in).constant(w, weights).constant(bias).output(out);
    std::optional<Tensor> first;
    for (const CpuToken cpu : all_tokens()) {
      const Tensor codes = node.run("conv_transpose_s8", cpu)[0];
      int worst = 0;
      for (size_t i = 0; i < codes.count(); ++i)
        worst = std::max(worst, std::abs(codes.as<int8_t>()[i] - expected.as<int8_t>()[i]));
      CHECK(worst <= 1);
      if (!first) first = codes;
      CHECK(codes == *first);
      CHECK(node.info().kernel == "conv_transpose_s8");
    }
  }
}
