#include <cmath>

#include "tests/conformance/builder.h"
#include "tests/conformance/draw.h"
#include "tests/conformance/families.h"

// Integer operators: exact sums, and sums that are quantized again.

namespace octet::conformance {
namespace {

std::string type_names(std::initializer_list<DType> types) {
  std::string text;
  for (const DType type : types) text += (text.empty() ? "" : "_") + std::string(dtype_name(type));
  return text;
}

DType byte_type(Random& random) { return random.chance() ? DType::u8 : DType::s8; }

/// The dims of a matrix product.
struct Product {
  size_t batch = 1, m = 1, k = 1, n = 1;
  bool shared = true;  ///< One right side for the batch.
  bool batched = false;
  Dims left() const {
    return batched ? Dims{int64_t(batch), int64_t(m), int64_t(k)} : Dims{int64_t(m), int64_t(k)};
  }
  Dims right() const {
    return shared ? Dims{int64_t(k), int64_t(n)} : Dims{int64_t(batch), int64_t(k), int64_t(n)};
  }
  Dims out() const {
    return batched ? Dims{int64_t(batch), int64_t(m), int64_t(n)} : Dims{int64_t(m), int64_t(n)};
  }
};

// Tails of every kernel's tile: 1, a tile less or more one, and some that are long in K.
Product draw_product(Random& random) {
  Product p;
  p.batched = random.integer(0, 3) == 0;
  if (p.batched) p.batch = static_cast<size_t>(random.integer(1, 3));
  p.shared = !p.batched || random.chance();
  p.m = static_cast<size_t>(random.pick<int64_t>({1, 1, 2, 3, 5, 8, 17, 33}));
  p.k = static_cast<size_t>(random.pick<int64_t>({1, 2, 3, 4, 7, 16, 31, 64, 130}));
  p.n = static_cast<size_t>(random.pick<int64_t>({1, 2, 5, 8, 15, 16, 17, 33, 65}));
  return p;
}

std::vector<double> centred(const std::vector<int64_t>& codes, const Params& params,
                            size_t channels = 1, size_t inner = 1) {
  std::vector<double> out;
  for (size_t i = 0; i < codes.size(); ++i)
    out.push_back(
        static_cast<double>(codes[i] - params.zero_of(channels == 1 ? 0 : i / inner % channels)));
  return out;
}

Tensor sums(const Dims& dims, const std::vector<double>& values) {
  return codes(DType::s32, dims, {values.begin(), values.end()});
}

// Sums in units of one scale a column or channel, quantized again.
Expected requantized(const std::vector<double>& acc, const Dims& dims, const Params& a,
                     const Params& b, const Params& y, size_t channels, size_t inner) {
  Expected expected;
  std::vector<int64_t> values;
  for (size_t i = 0; i < acc.size(); ++i) {
    const size_t c = channels == 1 ? 0 : i / inner % channels;
    const Rounded next =
        rounded(acc[i] * a.scale[0] * b.scale_of(c) / y.scale[0], y.zero[0], y.type);
    values.push_back(next.code);
    expected.tie.push_back(next.tie);
  }
  expected.value = codes(y.type, dims, values);
  return expected;
}

// A scale for sums of `terms` products that uses much of the range and sometimes runs over it.
double output_scale(Random& random, const Params& a, const Params& b, size_t terms) {
  return as_float(a.scale[0] * b.scale[0] * 120.0 * std::sqrt(static_cast<double>(terms)) *
                  random.real(0.3, 1.5));
}

Case matmul_integer(size_t index) {
  Random random(10000 + index);
  const Product p = draw_product(random);
  const DType at = byte_type(random);
  const DType bt = byte_type(random);
  const bool zeros = random.chance();
  const bool columns = zeros && p.shared && random.chance();
  const Params a = draw_params(random, at, 1, !zeros);
  const Params b = draw_params(random, bt, columns ? p.n : 1, !zeros);
  Builder builder(case_name("matmul_integer", index, type_names({at, bt})));
  const auto ac = draw_codes(random, at, p.batch * p.m * p.k);
  const auto bc = draw_codes(random, bt, (p.shared ? 1 : p.batch) * p.k * p.n);
  const Tensor bt_tensor = codes(bt, p.right(), bc);
  const bool constant = random.integer(0, 3) != 0;
  std::vector<std::string> inputs = {
      builder.input(codes(at, p.left(), ac)),
      constant ? builder.constant(bt_tensor) : builder.input(bt_tensor)};
  if (zeros) inputs.insert(inputs.end(), {builder.zero(a), builder.zero(b)});
  const auto acc =
      matmul(centred(ac, a), centred(bc, b, columns ? p.n : 1), p.batch, p.m, p.k, p.n, p.shared);
  builder.output(builder.node("MatMulInteger", inputs), {sums(p.out(), acc)});
  return builder.finish();
}

Case qlinear_matmul(size_t index) {
  Random random(20000 + index);
  const Product p = draw_product(random);
  const DType at = byte_type(random);
  const DType bt = byte_type(random);
  const DType yt = at;
  const bool columns = p.shared && random.integer(0, 2) == 0;
  const Params a = draw_params(random, at, 1, random.chance());
  const Params b = draw_params(random, bt, columns ? p.n : 1, random.chance());
  Params y = draw_params(random, yt, 1, random.chance());
  y.scale = {output_scale(random, a, b, p.k)};
  Builder builder(case_name("qlinear_matmul", index, type_names({at, bt, yt})));
  const auto ac = draw_codes(random, at, p.batch * p.m * p.k);
  const auto bc = draw_codes(random, bt, (p.shared ? 1 : p.batch) * p.k * p.n);
  const std::string x = builder.input(codes(at, p.left(), ac));
  const std::string w = builder.constant(codes(bt, p.right(), bc));
  const auto acc =
      matmul(centred(ac, a), centred(bc, b, columns ? p.n : 1), p.batch, p.m, p.k, p.n, p.shared);
  const std::string out =
      builder.node("QLinearMatMul", {x, builder.scale(a), builder.zero(a), w, builder.scale(b),
                                     builder.zero(b), builder.scale(y), builder.zero(y)});
  builder.output(out, requantized(acc, p.out(), a, b, y, columns ? p.n : 1, 1));
  return builder.finish();
}

Convolution draw_convolution(Random& random, size_t index) {
  Convolution s;
  const bool line = index % 5 == 4;
  s.batch = random.integer(1, 2);
  s.kernel_w = random.pick<int64_t>({1, 2, 3, 3, 3, 5, 7});
  s.kernel_h = line ? 1 : random.pick<int64_t>({1, 3, s.kernel_w});
  s.stride = random.pick<int64_t>({1, 1, 2});
  s.dilation = random.pick<int64_t>({1, 1, 1, 2});
  s.pad = line ? 0 : random.integer(0, std::min<int64_t>(s.kernel_h / 2 * s.dilation, 2));
  const int64_t least = s.dilation * (std::max(s.kernel_h, s.kernel_w) - 1) + 1;
  s.width = least + random.integer(0, 6);
  s.height = line ? 1 : least + random.integer(0, 4);
  s.group = random.pick<int64_t>({1, 1, 1, 2, 4});
  s.channels = s.group * random.pick<int64_t>({1, 2, 3, 5, 8});
  s.outputs = s.group * random.pick<int64_t>({1, 2, 4, 9});
  if (index % 4 == 3) {  // depthwise
    s.group = s.channels = s.outputs = random.pick<int64_t>({1, 3, 8, 17, 32});
  }
  return s;
}

AttrMap attributes(const Convolution& s) {
  AttrMap attrs;
  attrs["group"] = s.group;
  attrs["strides"] = std::vector<int64_t>{s.stride, s.stride};
  attrs["dilations"] = std::vector<int64_t>{s.dilation, s.dilation};
  attrs["pads"] = std::vector<int64_t>{s.pad, s.pad, s.pad, s.pad};
  attrs["kernel_shape"] = std::vector<int64_t>{s.kernel_h, s.kernel_w};
  return attrs;
}

Case conv_integer(size_t index) {
  Random random(30000 + index);
  const Convolution s = draw_convolution(random, index);
  const DType xt = byte_type(random);
  const DType wt = byte_type(random);
  const bool zeros = random.chance();
  const Params x = draw_params(random, xt, 1, !zeros);
  const Params w = draw_params(random, wt, 1, !zeros);
  Builder builder(case_name("conv_integer", index, type_names({xt, wt})));
  const auto xc = draw_codes(random, xt, count_of(s.input_dims()));
  const auto wc = draw_codes(random, wt, count_of(s.weight_dims()));
  std::vector<std::string> inputs = {builder.input(codes(xt, s.input_dims(), xc)),
                                     builder.constant(codes(wt, s.weight_dims(), wc))};
  if (zeros) inputs.insert(inputs.end(), {builder.zero(x), builder.zero(w)});
  builder.output(builder.node("ConvInteger", inputs, attributes(s)),
                 {sums(s.output_dims(), convolve(s, centred(xc, x), centred(wc, w)))});
  return builder.finish();
}

Case qlinear_conv(size_t index) {
  Random random(40000 + index);
  const Convolution s = draw_convolution(random, index);
  const DType xt = byte_type(random);
  const DType wt = byte_type(random);
  const bool channels = random.chance();
  const auto outputs = static_cast<size_t>(s.outputs);
  const Params x = draw_params(random, xt, 1, random.chance());
  const Params w = draw_params(random, wt, channels ? outputs : 1, random.chance());
  Params y = draw_params(random, xt, 1, random.chance());
  const auto terms = static_cast<size_t>(s.channels / s.group * s.kernel_h * s.kernel_w);
  y.scale = {output_scale(random, x, w, terms)};
  Builder builder(case_name("qlinear_conv", index, type_names({xt, wt})));
  const auto xc = draw_codes(random, xt, count_of(s.input_dims()));
  const auto wc = draw_codes(random, wt, count_of(s.weight_dims()));
  std::vector<std::string> inputs = {builder.input(codes(xt, s.input_dims(), xc)),
                                     builder.scale(x),
                                     builder.zero(x),
                                     builder.constant(codes(wt, s.weight_dims(), wc)),
                                     builder.scale(w),
                                     builder.zero(w),
                                     builder.scale(y),
                                     builder.zero(y)};
  const size_t filter = wc.size() / outputs;
  const auto pixels = static_cast<size_t>(s.out_height() * s.out_width());
  auto acc = convolve(s, centred(xc, x), centred(wc, w, channels ? outputs : 1, filter));
  if (random.chance()) {
    const auto bias = random.integers(outputs, -2000, 2000);
    inputs.push_back(builder.constant(codes(DType::s32, {s.outputs}, bias)));
    for (size_t i = 0; i < acc.size(); ++i)
      acc[i] += static_cast<double>(bias[i / pixels % outputs]);
  }
  builder.output(builder.node("QLinearConv", inputs, attributes(s)),
                 requantized(acc, s.output_dims(), x, w, y, channels ? outputs : 1, pixels));
  return builder.finish();
}

// Scale and zero point by the standard's formulas; the codes from those.
Case dynamic_quantize(size_t index) {
  Random random(50000 + index);
  Dims dims;
  for (int64_t rank = random.integer(1, 3); rank > 0; --rank) dims.push_back(random.integer(1, 40));
  const size_t count = count_of(dims);
  const double low = random.pick<double>({-3.0, -0.5, 0.0, 0.25});
  const auto x = draw_floats(random, count, low, low + random.real(0.5, 6.0));
  Builder builder(case_name("dynamic_quantize_linear", index, "uint8"));
  const auto names =
      builder.nodes("DynamicQuantizeLinear", {builder.input(reals(DType::f32, dims, x))}, {}, 3);
  const auto least = static_cast<float>(std::min(0.0, *std::min_element(x.begin(), x.end())));
  const auto most = static_cast<float>(std::max(0.0, *std::max_element(x.begin(), x.end())));
  const float scale = (most - least) / 255.0F;
  const int64_t zero =
      std::clamp<int64_t>(round_even(static_cast<double>(0.0F - least / scale)), 0, 255);
  std::vector<int64_t> values;
  for (const double v : x)
    values.push_back(std::clamp<int64_t>(
        round_even(static_cast<double>(static_cast<float>(v) / scale)) + zero, 0, 255));
  builder.output(names[0], {codes(DType::u8, dims, values)});
  builder.output(names[1], {Tensor::scalar(scale)});
  builder.output(names[2], {codes(DType::u8, {}, {zero})});
  return builder.finish();
}

}  // namespace

const Family kDynamicQuantizeLinear = {"dynamic_quantize_linear", 100, dynamic_quantize};
const Family kMatMulInteger = {"matmul_integer", 200, matmul_integer};
const Family kConvInteger = {"conv_integer", 150, conv_integer};
const Family kQLinearMatMul = {"qlinear_matmul", 250, qlinear_matmul};
const Family kQLinearConv = {"qlinear_conv", 250, qlinear_conv};

}  // namespace octet::conformance
