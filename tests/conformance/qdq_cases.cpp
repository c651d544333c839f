#include <cmath>

#include "tests/conformance/builder.h"
#include "tests/conformance/draw.h"
#include "tests/conformance/families.h"

// Float operators between DequantizeLinear and QuantizeLinear: what a quantizer writes.

namespace octet::conformance {
namespace {

DType byte_type(Random& random) { return random.chance() ? DType::u8 : DType::s8; }

double spread(const std::vector<double>& values) {
  double most = 1e-3;
  for (const double v : values) most = std::max(most, std::fabs(v));
  return most;
}

// Parameters of an output whose range the values nearly fill, or run over.
Params fitting(Random& random, DType type, const std::vector<double>& values) {
  Params params = draw_params(random, type, 1, type == DType::s8 && random.chance());
  params.scale = {as_float(spread(values) / 110.0 * random.real(0.6, 1.4))};
  return params;
}

struct Activation {
  std::string name;  ///< Of the real value in the graph.
  std::vector<double> real;
};

// An input of floats that are quantized at once, or of codes.
Activation draw_activation(Random& random, Builder& builder, const Dims& dims) {
  const DType type = byte_type(random);
  const Params params = draw_params(random, type, 1, random.chance());
  const size_t count = count_of(dims);
  if (random.chance()) {
    const auto c = draw_codes(random, type, count);
    return {builder.dequantized(builder.input(codes(type, dims, c)), params),
            dequantized(c, params)};
  }
  const auto x = draw_floats(random, count, -100 * params.scale[0], 100 * params.scale[0]);
  std::vector<double> kept;
  for (const double v : x) {
    // The standard divides as floats.
    const float divided = static_cast<float>(v) / static_cast<float>(params.scale[0]);
    const int64_t code = std::clamp(round_even(static_cast<double>(divided)) + params.zero[0],
                                    range_of(type).low, range_of(type).high);
    kept.push_back(static_cast<double>(code - params.zero[0]) * params.scale[0]);
  }
  return {builder.rounded(builder.input(reals(DType::f32, dims, x)), params), kept};
}

struct Weight {
  std::string name;
  std::vector<double> real;
  Params params;
};

Weight draw_weight(Random& random, Builder& builder, const Dims& dims, int64_t axis) {
  const bool channels = random.chance();
  const auto extent = static_cast<size_t>(dims[static_cast<size_t>(axis)]);
  const DType type = random.integer(0, 3) == 0 ? DType::u8 : DType::s8;
  const Params params =
      draw_params(random, type, channels ? extent : 1, type == DType::s8, 0.002, 0.02);
  const auto c = draw_codes(random, type, count_of(dims));
  size_t inner = 1;
  for (size_t a = static_cast<size_t>(axis) + 1; a < dims.size(); ++a)
    inner *= static_cast<size_t>(dims[a]);
  return {builder.dequantized(builder.constant(codes(type, dims, c)), params, axis),
          dequantized(c, params, channels ? extent : 1, inner), params};
}

std::vector<double> add_bias(Random& random, Builder& builder, std::vector<std::string>& inputs,
                             std::vector<double> real, size_t channels, size_t inner) {
  if (random.integer(0, 2) == 0) return real;
  const auto bias = draw_floats(random, channels, -1.0, 1.0);
  inputs.push_back(builder.constant(reals(DType::f32, {static_cast<int64_t>(channels)}, bias)));
  for (size_t i = 0; i < real.size(); ++i) real[i] += bias[i / inner % channels];
  return real;
}

std::string relu(Random& random, Builder& builder, std::string name, std::vector<double>& real) {
  if (random.integer(0, 2) != 0) return name;
  for (double& r : real) r = std::max(r, 0.0);
  return builder.node("Relu", {name});
}

// Codes where the result is quantized again, floats where not.
void finish_real(Random& random, Builder& builder, const std::string& name, const Dims& dims,
                 const std::vector<double>& real, int64_t slack = 0) {
  if (random.integer(0, 4) == 0) {
    Expected floats{reals(DType::f32, dims, real)};
    floats.absolute = 2e-5 * spread(real) + 1e-6;
    builder.output(name, std::move(floats));
    return;
  }
  const Params y = fitting(random, byte_type(random), real);
  Expected expected = expected_codes(real, dims, y);
  expected.codes = slack;
  builder.output(builder.node("QuantizeLinear", {name, builder.scale(y), builder.zero(y)}),
                 std::move(expected));
}

Case qdq_conv(size_t index) {
  Random random(60000 + index);
  Builder builder(case_name("qdq_conv", index, "float"));
  Convolution s;
  s.kernel_h = s.kernel_w = random.pick<int64_t>({1, 3, 3, 5});
  s.pad = random.integer(0, s.kernel_h / 2);
  s.stride = random.pick<int64_t>({1, 1, 2});
  s.height = s.kernel_h + random.integer(0, 5);
  s.width = s.kernel_w + random.integer(0, 7);
  const bool depthwise = index % 4 == 0;
  s.channels = random.pick<int64_t>({1, 3, 8, 16, 19});
  s.outputs = depthwise ? s.channels : random.pick<int64_t>({1, 4, 8, 17});
  if (depthwise) s.group = s.channels;
  const Activation x = draw_activation(random, builder, s.input_dims());
  const Weight w = draw_weight(random, builder, s.weight_dims(), 0);
  std::vector<std::string> inputs = {x.name, w.name};
  auto real = convolve(s, x.real, w.real);
  real = add_bias(random, builder, inputs, std::move(real), static_cast<size_t>(s.outputs),
                  static_cast<size_t>(s.out_height() * s.out_width()));
  AttrMap attrs;
  attrs["group"] = s.group;
  attrs["strides"] = std::vector<int64_t>{s.stride, s.stride};
  attrs["pads"] = std::vector<int64_t>{s.pad, s.pad, s.pad, s.pad};
  const std::string y = relu(random, builder, builder.node("Conv", inputs, attrs), real);
  finish_real(random, builder, y, s.output_dims(), real);
  return builder.finish();
}

Case qdq_product(size_t index) {
  Random random(70000 + index);
  const bool gemm = index % 2 == 0;
  Builder builder(case_name("qdq_product", index, gemm ? "gemm" : "matmul"));
  const auto m = random.pick<int64_t>({1, 2, 7, 16, 33});
  const auto k = random.pick<int64_t>({1, 4, 16, 33, 100});
  const auto n = random.pick<int64_t>({1, 3, 8, 16, 31});
  const bool transposed = gemm && random.chance();
  const Activation x = draw_activation(random, builder, {m, k});
  const Weight w =
      draw_weight(random, builder, transposed ? Dims{n, k} : Dims{k, n}, transposed ? 0 : 1);
  std::vector<double> b = w.real;
  if (transposed)
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < n; ++j)
        b[static_cast<size_t>(i * n + j)] = w.real[static_cast<size_t>(j * k + i)];
  auto real = matmul(x.real, b, 1, static_cast<size_t>(m), static_cast<size_t>(k),
                     static_cast<size_t>(n), true);
  std::vector<std::string> inputs = {x.name, w.name};
  if (gemm) real = add_bias(random, builder, inputs, std::move(real), static_cast<size_t>(n), 1);
  std::string y =
      gemm ? builder.node("Gemm", inputs, transposed ? AttrMap{{"transB", int64_t{1}}} : AttrMap{})
           : builder.node("MatMul", inputs);
  y = relu(random, builder, y, real);
  finish_real(random, builder, y, {m, n}, real);
  return builder.finish();
}

using Function = double (*)(double);
struct Unary {
  const char* op;
  Function function;
};
constexpr Unary kUnary[] = {
    {"Relu", [](double x) { return std::max(x, 0.0); }},
    {"Sigmoid", [](double x) { return 1.0 / (1.0 + std::exp(-x)); }},
    {"Tanh", [](double x) { return std::tanh(x); }},
    {"HardSwish", [](double x) { return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0); }},
    {"HardSigmoid", [](double x) { return std::clamp(0.2 * x + 0.5, 0.0, 1.0); }},
    {"LeakyRelu", [](double x) { return x < 0 ? static_cast<double>(0.01F) * x : x; }},
    {"Abs", [](double x) { return std::fabs(x); }},
    {"Neg", [](double x) { return -x; }},
    {"Erf", [](double x) { return std::erf(x); }},
    {"Softplus", [](double x) { return std::log1p(std::exp(x)); }},
};

struct Binary {
  const char* op;
  double (*function)(double, double);
};
constexpr Binary kBinary[] = {
    {"Add", [](double a, double b) { return a + b; }},
    {"Sub", [](double a, double b) { return a - b; }},
    {"Mul", [](double a, double b) { return a * b; }},
    {"Max", [](double a, double b) { return std::max(a, b); }},
    {"Min", [](double a, double b) { return std::min(a, b); }},
};

// One or two functions in a chain, each result quantized.
Case qdq_elementwise(size_t index) {
  Random random(80000 + index);
  const Dims dims = {random.integer(1, 3), random.integer(1, 9), random.integer(1, 17)};
  const bool binary = index % 2 == 0;
  const Unary& unary = kUnary[index / 2 % std::size(kUnary)];
  const Binary& two = kBinary[index / 2 % std::size(kBinary)];
  Builder builder(case_name("qdq_elementwise", index, binary ? two.op : unary.op));
  const Activation a = draw_activation(random, builder, dims);
  std::vector<double> real = a.real;
  std::string name;
  if (binary) {
    const bool row = random.chance();
    const Dims other = row ? Dims{dims[2]} : dims;
    const Activation b = draw_activation(random, builder, other);
    for (size_t i = 0; i < real.size(); ++i)
      real[i] = two.function(real[i], b.real[i % b.real.size()]);
    name = builder.node(two.op, {a.name, b.name});
  } else {
    std::transform(real.begin(), real.end(), real.begin(), unary.function);
    name = builder.node(unary.op, {a.name});
  }
  if (random.chance()) {
    const Params middle = fitting(random, byte_type(random), real);
    bool clear = true;
    for (const double r : real)
      clear = clear && !rounded(r / middle.scale[0], middle.zero[0], middle.type).tie;
    if (clear) {
      name = builder.node("Relu", {builder.rounded(name, middle)});
      real = through(real, middle);
      for (double& r : real) r = std::max(r, 0.0);
    }
  }
  finish_real(random, builder, name, dims, real);
  return builder.finish();
}

}  // namespace

const Family kQdqConv = {"qdq_conv", 150, qdq_conv};
const Family kQdqProduct = {"qdq_product", 150, qdq_product};
const Family kQdqElementwise = {"qdq_elementwise", 200, qdq_elementwise};

}  // namespace octet::conformance
