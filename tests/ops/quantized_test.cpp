// MatMul, Gemm and Conv over codes (what QDQ pairs become) against real arithmetic in double: an
// exact sum, scaled once, gives the code nearest to the real result.

#include "engine/ops/conv.h"
#include "engine/ops/gemm.h"
#include "engine/ops/matmul.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::ConvAttrs;
using ops::GemmAttrs;
using ops::MatMulAttrs;

namespace {

enum class Bias : uint8_t { none, real, sums };

// How the operands of a case are stored.
struct Storage {
  const char* name;
  DType a = DType::u8;
  DType w = DType::s8;
  bool by_channel = true;
  bool zero_points = false;  // of the weights
  bool four_bits = false;    // Weights from -8 to 7, or 0 to 15.
  Bias bias = Bias::none;
  std::optional<DType> out = DType::u8;  // nothing: floats
};

const Storage kStorages[] = {
    {.name = "u8 s8", .bias = Bias::real},
    {.name = "u8 s8, one scale", .by_channel = false, .bias = Bias::sums},
    {.name = "u8 s8, bias as sums", .bias = Bias::sums, .out = DType::s8},
    {.name = "s8 s8", .a = DType::s8, .bias = Bias::real, .out = DType::s8},
    {.name = "s8 s8, asymmetric", .a = DType::s8, .zero_points = true, .bias = Bias::real},
    {.name = "u8 u8, asymmetric", .w = DType::u8, .zero_points = true, .out = DType::s8},
    {.name = "u8 u8, asymmetric, one zero point",
     .w = DType::u8,
     .by_channel = false,
     .zero_points = true},
    {.name = "u8 s4", .four_bits = true, .bias = Bias::real},
    {.name = "s8 s4, asymmetric", .a = DType::s8, .zero_points = true, .four_bits = true},
    {.name = "u8 u4, asymmetric",
     .w = DType::u8,
     .zero_points = true,
     .four_bits = true,
     .out = DType::s8},
    {.name = "s8 u4, floats", .a = DType::s8, .w = DType::u8, .four_bits = true, .out = {}},
    {.name = "floats", .bias = Bias::real, .out = {}},
    {.name = "floats, asymmetric",
     .a = DType::s8,
     .w = DType::u8,
     .zero_points = true,
     .bias = Bias::sums,
     .out = {}},
};

Tensor codes_of(DType type, const Dims& dims, unsigned seed) {
  return type == DType::u8 ? random_codes<uint8_t>(dims, seed) : random_codes<int8_t>(dims, seed);
}

Tensor weights_of(const Storage& s, const Dims& dims) {
  const Tensor codes = codes_of(s.w, dims, 2);
  if (!s.four_bits) return codes;
  auto upper = codes.to_int64();
  for (int64_t& code : upper) code >>= 4;
  if (s.w == DType::u8) return Tensor::of(dims, std::vector<uint8_t>(upper.begin(), upper.end()));
  return Tensor::of(dims, std::vector<int8_t>(upper.begin(), upper.end()));
}

double code_at(const Tensor& codes, size_t i) {
  return codes.dtype() == DType::u8 ? codes.as<uint8_t>()[i] : codes.as<int8_t>()[i];
}

constexpr float kActivationScale = 0.021F;

// The operands of a node with `channels` outputs, each of `depth` products.
struct Operands {
  Operands(const Storage& s, const Dims& a_dims, const Dims& w_dims, int axis, size_t depth)
      : storage(s), a(codes_of(s.a, a_dims, 1)), w(weights_of(s, w_dims)), w_axis(axis) {
    a_quant = tensor_quant(s.a, kActivationScale, s.a == DType::u8 ? 113 : -9);
    const auto channels = static_cast<size_t>(w_dims[static_cast<size_t>(axis)]);
    const Dims count = s.by_channel ? Dims{static_cast<int64_t>(channels)} : Dims{};
    QuantType quant;
    quant.storage = s.w;
    quant.scale = random_floats(count, 3, 0.002F, 0.01F);
    quant.axis = axis;
    if (s.zero_points)
      quant.zero_point = codes_of(s.w, count, 4);
    else if (s.w == DType::u8)
      quant.zero_point = Tensor::zeros(s.w, count).value();
    for (size_t c = 0; c < channels; ++c) {
      const size_t at = s.by_channel ? c : 0;
      w_scale.push_back(quant.scale.as<float>()[at]);
      w_zero.push_back(quant.zero_point.dtype() == DType::undefined
                           ? 0.0
                           : static_cast<double>(quant.zero_point.to_int64()[at]));
    }
    w_quant = std::make_shared<const QuantType>(quant);
    set_bias(channels);
    // About three standard deviations of the sums reach the ends of the codes.
    const double reach = std::sqrt(static_cast<double>(depth) + 1.0) * 74.0 * 74.0 *
                         static_cast<double>(kActivationScale) * 0.006 * 3.0;
    if (s.out)
      out_quant =
          tensor_quant(*s.out, static_cast<float>(reach / 128.0), *s.out == DType::u8 ? 120 : -7);
  }

  void set_bias(size_t channels) {
    const Dims dims{static_cast<int64_t>(channels)};
    if (storage.bias == Bias::real) bias_tensor = random_floats(dims, 5, -3.0F, 3.0F);
    if (storage.bias == Bias::sums) {
      std::vector<float> scales;
      std::vector<int32_t> sums;
      for (size_t c = 0; c < channels; ++c) {
        scales.push_back(static_cast<float>(w_scale[c]) * kActivationScale);
        sums.push_back(static_cast<int32_t>(c * 7919 % 20001) - 10000);
      }
      bias_tensor = Tensor::of(dims, sums);
      auto quant = std::make_shared<QuantType>();
      quant->storage = DType::s32;
      quant->scale = Tensor::of(dims, scales);
      bias_quant = quant;
    }
    for (size_t c = 0; c < channels; ++c) {
      if (storage.bias == Bias::none) bias.push_back(0.0);
      if (storage.bias == Bias::real) bias.push_back(bias_tensor.as<float>()[c]);
      if (storage.bias == Bias::sums)
        bias.push_back(static_cast<double>(bias_tensor.as<int32_t>()[c]) * w_scale[c] *
                       kActivationScale);
    }
  }

  void add_to(NodeRunner& node, bool w_is_constant = true) const {
    node.input(a, a_quant);
    w_is_constant ? node.constant(w, w_quant) : node.input(w, w_quant);
    if (storage.bias != Bias::none) node.constant(bias_tensor, bias_quant);
    node.output(out_quant);
  }

  double a_at(size_t i) const { return code_at(a, i) - a_quant->tensor_zero_point().v; }
  double w_at(size_t i, size_t channel) const { return code_at(w, i) - w_zero[channel]; }
  // The real result of an exact sum.
  double real(double sum, size_t channel) const {
    return sum * w_scale[channel] * kActivationScale + bias[channel];
  }

  const Storage& storage;
  Tensor a, w, bias_tensor;
  int w_axis;
  QuantPtr a_quant, w_quant, bias_quant, out_quant;
  std::vector<double> w_scale, w_zero, bias;
};

// The largest distance from the real results: of a code in steps, of a float relative to the
// largest magnitude.
double worst_distance(const Tensor& actual, const std::vector<double>& expected,
                      const QuantPtr& quant) {
  REQUIRE(actual.count() == expected.size());
  double worst = 0.0;
  double magnitude = 1e-6;
  for (size_t i = 0; i < expected.size(); ++i) {
    magnitude = std::max(magnitude, std::fabs(expected[i]));
    if (!quant) {
      worst = std::max(worst, std::fabs(actual.as<float>()[i] - expected[i]));
      continue;
    }
    const bool is_unsigned = quant->storage == DType::u8;
    const double code = expected[i] / quant->tensor_scale().v + quant->tensor_zero_point().v;
    const double kept = std::clamp(code, is_unsigned ? 0.0 : -128.0, is_unsigned ? 255.0 : 127.0);
    worst = std::max(worst, std::fabs(code_at(actual, i) - kept));
  }
  return quant ? worst : worst / magnitude;
}

// A kernel that some instruction sets take in place of the row's own.
struct Instead {
  const char* kernel = "";
  std::vector<Isa> isas;
};

// Every instruction set: near to the real results, and the same bits on all of them.
void check_node(NodeRunner& node, const char* row, const Operands& o,
                const std::vector<double>& expected, const Instead& instead = {}) {
  std::optional<Tensor> first;
  for (const CpuToken cpu : all_tokens()) {
    CAPTURE(isa_name(cpu.isa()));
    CHECK(node.rows(cpu).front() == row);
    const Tensor actual = node.run(row, cpu)[0];
    const bool other =
        std::find(instead.isas.begin(), instead.isas.end(), node.info().isa) != instead.isas.end();
    CHECK(node.info().kernel == (other ? instead.kernel : row));
    CHECK(cpu.allows(node.info().isa));
    CHECK(worst_distance(actual, expected, o.out_quant) < (o.out_quant ? 0.5 + 1e-4 : 1e-6));
    if (!first) first = actual;
    CHECK(actual == *first);
  }
}

// Where bytes come as fast, so few weights stay bytes.
Instead fits_4bit(const Tensor& w) {
  const auto codes = w.to_int64();
  const int64_t low = w.dtype() == DType::u8 ? 0 : -8;
  const bool fits = !codes.empty() && std::all_of(codes.begin(), codes.end(), [&](int64_t code) {
    return code >= low && code <= low + 15;
  });
  return fits ? Instead{"gemm_s8_s4", {Isa::scalar, Isa::avx2}} : Instead{};
}

struct ProductCase {
  const char* name;
  int64_t m, k, n;
};
const ProductCase kProducts[] = {{"square", 8, 16, 16},   {"tails", 5, 67, 33},
                                 {"one row", 1, 130, 49}, {"one column", 9, 33, 1},
                                 {"one of all", 1, 1, 1}, {"no depth", 3, 0, 4},
                                 {"no rows", 0, 8, 4},    {"deep", 3, 1029, 20}};

std::vector<double> product(const Operands& o, const ProductCase& c, bool transposed) {
  std::vector<double> out;
  const auto m = static_cast<size_t>(c.m), n = static_cast<size_t>(c.n);
  const auto depth = static_cast<size_t>(c.k);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (size_t k = 0; k < depth; ++k)
        sum += o.a_at(i * depth + k) * o.w_at(transposed ? j * depth + k : k * n + j, j);
      out.push_back(o.real(sum, j));
    }
  return out;
}

struct ConvCase {
  const char* name;
  const char* row;
  Dims x, w;  // spatial axes: one or two
  int64_t groups = 1, stride = 1, pad = 0, dilation = 1;
  Instead instead = {};
};
const Instead kByTiles{"winograd_s8", {Isa::avx2, Isa::avxvnni, Isa::avx512vnni, Isa::neon}};
const ConvCase kConvolutions[] = {
    {"3x3", "conv_s8", {2, 5, 7, 6}, {18, 5, 3, 3}, 1, 1, 1},
    {"3x3, many channels", "conv_s8", {1, 32, 9, 8}, {17, 32, 3, 3}, 1, 1, 1, 1, kByTiles},
    {"1x1", "conv_s8", {1, 33, 4, 5}, {17, 33, 1, 1}},
    {"first layer", "conv_s8", {1, 3, 9, 9}, {16, 3, 3, 3}, 1, 2, 1},
    {"groups", "conv_s8", {1, 8, 6, 6}, {12, 4, 3, 3}, 2, 1, 1},
    {"dilation", "conv_s8", {1, 4, 9, 9}, {6, 4, 3, 3}, 1, 1, 2, 2},
    {"one axis", "conv_s8", {2, 6, 21}, {10, 6, 5}, 1, 1, 2},
    {"larger than the input", "conv_s8", {1, 2, 2, 2}, {3, 2, 5, 5}, 1, 1, 2},
    {"depthwise", "depthwise_s8", {2, 19, 7, 7}, {19, 1, 3, 3}, 19, 1, 1},
    {"depthwise, stride", "depthwise_s8", {1, 40, 9, 8}, {40, 1, 5, 5}, 40, 2, 2},
    {"depthwise, one axis", "depthwise_s8", {1, 24, 40}, {24, 1, 15}, 24, 1, 7},
};

// Extents with both spatial axes; one axis is the second.
Dims planes(const Dims& dims) {
  return dims.size() == 4 ? dims : Dims{dims[0], dims[1], 1, dims[2]};
}

std::vector<double> convolution(const Operands& o, const ConvCase& c) {
  const Dims x = planes(c.x), w = planes(c.w);
  const bool flat = c.x.size() == 3;
  const auto extent = [&](size_t axis) {
    return (x[axis] + 2 * c.pad - c.dilation * (w[axis] - 1) - 1) / c.stride + 1;
  };
  const int64_t height = flat ? 1 : extent(2), width = extent(3);
  std::vector<double> out;
  for (int64_t n = 0; n < x[0]; ++n)
    for (int64_t m = 0; m < w[0]; ++m)
      for (int64_t y = 0; y < height; ++y)
        for (int64_t i = 0; i < width; ++i) {
          double sum = 0.0;
          for (int64_t ch = 0; ch < w[1]; ++ch)
            for (int64_t ky = 0; ky < w[2]; ++ky)
              for (int64_t kx = 0; kx < w[3]; ++kx) {
                const int64_t row = flat ? 0 : y * c.stride + ky * c.dilation - c.pad;
                const int64_t column = i * c.stride + kx * c.dilation - c.pad;
                if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) continue;
                const int64_t channel = m / (w[0] / c.groups) * w[1] + ch;
                const int64_t from = ((n * x[1] + channel) * x[2] + row) * x[3] + column;
                const int64_t tap = ((m * w[1] + ch) * w[2] + ky) * w[3] + kx;
                sum += o.a_at(static_cast<size_t>(from)) *
                       o.w_at(static_cast<size_t>(tap), static_cast<size_t>(m));
              }
          out.push_back(o.real(sum, static_cast<size_t>(m)));
        }
  return out;
}

}  // namespace

TEST_CASE("Gemm and MatMul over codes: each storage, shape and instruction set") {
  for (const Storage& s : kStorages)
    for (const ProductCase& c : kProducts) {
      CAPTURE(std::string(s.name));
      CAPTURE(std::string(c.name));
      const auto depth = static_cast<size_t>(c.k);
      for (const bool transposed : {false, true}) {
        const Dims w_dims = transposed ? Dims{c.n, c.k} : Dims{c.k, c.n};
        const Operands o(s, {c.m, c.k}, w_dims, transposed ? 0 : 1, depth);
        NodeRunner node("Gemm", Attrs::of(GemmAttrs{.trans_b = transposed ? 1 : 0}));
        o.add_to(node);
        check_node(node, "gemm_s8", o, product(o, c, transposed), fits_4bit(o.w));
      }
      if (s.bias != Bias::none) continue;
      const Operands o(s, {c.m, c.k}, {c.k, c.n}, 1, depth);
      NodeRunner node("MatMul", Attrs::of(MatMulAttrs{}));
      o.add_to(node);
      check_node(node, "gemm_s8", o, product(o, c, false), fits_4bit(o.w));
    }
}

TEST_CASE("MatMul of two activations over codes: each storage, shape and instruction set") {
  for (Storage s : kStorages) {
    if (s.by_channel && s.zero_points) continue;  // An activation has one scale and zero point.
    s.by_channel = false;
    s.bias = Bias::none;
    for (const ProductCase& c : kProducts) {
      CAPTURE(std::string(s.name));
      CAPTURE(std::string(c.name));
      const Operands o(s, {c.m, c.k}, {c.k, c.n}, 1, static_cast<size_t>(c.k));
      NodeRunner node("MatMul", Attrs::of(MatMulAttrs{}));
      o.add_to(node, false);
      check_node(node, "matmul_s8", o, product(o, c, false));
    }
  }
}

TEST_CASE("Conv over codes: each storage, geometry and instruction set") {
  for (const Storage& s : kStorages)
    for (const ConvCase& c : kConvolutions) {
      CAPTURE(std::string(s.name));
      CAPTURE(std::string(c.name));
      const size_t axes = c.x.size() - 2;
      const auto depth = static_cast<size_t>(*checked_count(c.w) / c.w[0]);
      const Operands o(s, c.x, c.w, 0, depth);
      NodeRunner node("Conv", Attrs::of(ConvAttrs{.dilations = Dims(axes, c.dilation),
                                                  .group = c.groups,
                                                  .pads = Dims(2 * axes, c.pad),
                                                  .strides = Dims(axes, c.stride)}));
      o.add_to(node);
      check_node(node, c.row, o, convolution(o, c), c.instead);
    }
}
