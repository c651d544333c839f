#include "engine/ops/conv.h"
#include "engine/ops/matmul.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::ConvAttrs;
using ops::MatMulAttrs;

namespace {

template <typename T>
int code(const Tensor& tensor, size_t i) {
  return tensor.as<T>()[i];
}

// Products of `batch` matrices; zero points repeat.
template <typename A, typename B>
std::vector<int32_t> product(const Tensor& a, const Tensor& b, const Tensor& a_zero,
                             const Tensor& b_zero, size_t batch, size_t m, size_t k, size_t n) {
  std::vector<int32_t> out;
  const size_t b_step = b.count() == k * n ? 0 : k * n;
  for (size_t g = 0; g < batch; ++g)
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < n; ++j) {
        int32_t sum = 0;
        for (size_t d = 0; d < k; ++d)
          sum += (code<A>(a, (g * m + i) * k + d) - code<A>(a_zero, (g * m + i) % a_zero.count())) *
                 (code<B>(b, g * b_step + d * n + j) - code<B>(b_zero, j % b_zero.count()));
        out.push_back(sum);
      }
  return out;
}

// A 2-D convolution of u8 X and s8 W, strides 2 and 1, pads of 1 all around; NCHW.
std::vector<int32_t> convolution(const Tensor& x, const Tensor& w, int x_zero, const Tensor& w_zero,
                                 int64_t groups, const Dims& out) {
  const Dims& in = x.dims();
  const Dims& kernel = w.dims();
  const auto at = [](const Dims& d, int64_t n, int64_t c, int64_t y, int64_t i) {
    return static_cast<size_t>(((n * d[1] + c) * d[2] + y) * d[3] + i);
  };
  std::vector<int32_t> sums;
  for (int64_t n = 0; n < out[0]; ++n)
    for (int64_t m = 0; m < out[1]; ++m)
      for (int64_t y = 0; y < out[2]; ++y)
        for (int64_t i = 0; i < out[3]; ++i) {
          int32_t sum = 0;
          for (int64_t c = 0; c < kernel[1]; ++c)
            for (int64_t ky = 0; ky < kernel[2]; ++ky)
              for (int64_t kx = 0; kx < kernel[3]; ++kx) {
                const int64_t row = y * 2 + ky - 1, column = i + kx - 1;
                if (row < 0 || row >= in[2] || column < 0 || column >= in[3]) continue;
                const int64_t channel = m / (out[1] / groups) * kernel[1] + c;
                sum += (code<uint8_t>(x, at(in, n, channel, row, column)) - x_zero) *
                       (code<int8_t>(w, at(kernel, m, c, ky, kx)) -
                        code<int8_t>(w_zero, static_cast<size_t>(m) % w_zero.count()));
              }
          sums.push_back(sum);
        }
  return sums;
}

// Nearest even of sum * multiplier, plus the zero point, saturated.
template <typename T>
T rounded(int32_t sum, float multiplier, int zero) {
  const double code =
      static_cast<double>(std::nearbyint(static_cast<float>(sum) * multiplier)) + zero;
  return static_cast<T>(
      std::clamp<double>(code, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

struct ConvCase {
  const char* row;
  int64_t groups, in, out;
};
constexpr ConvCase kConvCases[] = {
    {"conv_s8", 1, 3, 10}, {"conv_s8", 2, 4, 6}, {"depthwise_s8", 9, 9, 9}};

Attrs conv_attrs(int64_t groups) {
  return Attrs::of(ConvAttrs{.group = groups, .pads = {1, 1, 1, 1}, .strides = {2, 1}});
}

}  // namespace

TEST_CASE("MatMulInteger: every row against plain sums, zero points by tensor, row and column") {
  const Tensor b = random_codes<int8_t>({33, 19}, 2);
  const Tensor b_zeros[] = {Tensor::scalar(int8_t{-3}), random_codes<int8_t>({19}, 3)};
  for (const int64_t batch : {1, 2}) {
    const auto count = static_cast<size_t>(batch);
    const Tensor a = random_codes<uint8_t>({batch, 5, 33}, 1);
    const Tensor a_zeros[] = {Tensor::scalar(uint8_t{131}), random_codes<uint8_t>({5}, 4),
                              random_codes<uint8_t>({batch, 5, 1}, 5)};
    for (const Tensor& a_zero : a_zeros)
      for (const Tensor& b_zero : b_zeros) {
        const Tensor expected = Tensor::of(
            {batch, 5, 19}, product<uint8_t, int8_t>(a, b, a_zero, b_zero, count, 5, 33, 19));
        NodeRunner node("MatMulInteger", Attrs::of(MatMulAttrs{}));
        node.input(a).constant(b).input(a_zero).constant(b_zero).output();
        for (const CpuToken cpu : all_tokens()) {
          CHECK(node.run("gemm_s8", cpu)[0] == expected);
          CHECK(node.info().kernel == "gemm_s8");
          if (a_zero.rank() < 2) CHECK(node.run("matmul_s8", cpu)[0] == expected);
        }
        CHECK(node.run("reference")[0] == expected);
      }
  }
}

TEST_CASE("MatMulInteger: two activations, a batch, absent zero points, few rows, no depth") {
  const Tensor zero_s = Tensor::scalar(int8_t{0});
  const Tensor zero_u = Tensor::scalar(uint8_t{0});
  for (const int64_t rows : {1, 6})
    for (const int64_t depth : {0, 40}) {
      const Tensor a = random_codes<int8_t>({3, rows, depth}, 6);
      const Tensor b = random_codes<uint8_t>({3, depth, 17}, 7);
      const Tensor expected =
          Tensor::of({3, rows, 17},
                     product<int8_t, uint8_t>(a, b, zero_s, zero_u, 3, static_cast<size_t>(rows),
                                              static_cast<size_t>(depth), 17));
      NodeRunner node("MatMulInteger", Attrs::of(MatMulAttrs{}));
      node.input(a).input(b).output();
      CHECK(node.rows() == std::vector<std::string>{"matmul_s8", "reference"});
      for (const CpuToken cpu : all_tokens()) CHECK(node.run("matmul_s8", cpu)[0] == expected);
      CHECK(node.run("reference")[0] == expected);
    }
}

TEST_CASE("ConvInteger: every row against plain sums, zero points by tensor and channel") {
  for (const ConvCase& c : kConvCases) {
    INFO(c.row);
    const Tensor x = random_codes<uint8_t>({2, c.in, 7, 6}, 8);
    const Tensor w = random_codes<int8_t>({c.out, c.in / c.groups, 3, 3}, 9);
    for (const Tensor& w_zero : {Tensor::scalar(int8_t{5}), random_codes<int8_t>({c.out}, 10)}) {
      const Dims out = {2, c.out, 4, 6};
      const Tensor expected = Tensor::of(out, convolution(x, w, 117, w_zero, c.groups, out));
      NodeRunner node("ConvInteger", conv_attrs(c.groups));
      node.input(x).constant(w).input(Tensor::scalar(uint8_t{117})).constant(w_zero).output();
      CHECK(node.rows().front() == c.row);
      for (const CpuToken cpu : all_tokens()) {
        CHECK(node.run(c.row, cpu)[0] == expected);
        CHECK(node.info().kernel == c.row);
      }
      CHECK(node.run("reference")[0] == expected);
    }
  }
}

TEST_CASE("QLinearConv: sums, bias and rounding, by the kernels and by plain loops") {
  for (const ConvCase& c : kConvCases) {
    INFO(c.row);
    const Dims dims = {2, c.out, 4, 6};
    const auto channels = static_cast<size_t>(c.out);
    const Tensor x = random_codes<uint8_t>({2, c.in, 7, 6}, 11);
    const Tensor w = random_codes<int8_t>({c.out, c.in / c.groups, 3, 3}, 12);
    const Tensor w_zero = Tensor::scalar(int8_t{-2});
    const Tensor w_scale = random_floats({c.out}, 13, 0.001F, 0.01F);
    std::vector<int32_t> bias(channels);
    for (size_t i = 0; i < channels; ++i) bias[i] = static_cast<int32_t>(i) * 501 - 1500;
    const auto sums = convolution(x, w, 99, w_zero, c.groups, dims);
    std::vector<int8_t> codes(sums.size());
    for (size_t i = 0; i < sums.size(); ++i) {
      const size_t channel = i / 24 % channels;
      codes[i] =
          rounded<int8_t>(sums[i] + bias[channel], w_scale.as<float>()[channel] * 0.3F / 0.7F, -9);
    }
    NodeRunner node("QLinearConv", conv_attrs(c.groups));
    node.input(x).constant(Tensor::scalar(0.3F)).constant(Tensor::scalar(uint8_t{99}));
    node.constant(w).constant(w_scale).constant(w_zero);
    node.constant(Tensor::scalar(0.7F)).constant(Tensor::scalar(int8_t{-9}));
    node.constant(Tensor::of({c.out}, bias)).output();
    const Tensor expected = Tensor::of(dims, codes);
    for (const CpuToken cpu : all_tokens()) CHECK(node.run(c.row, cpu)[0] == expected);
    CHECK(node.run("reference")[0] == expected);
  }
}

TEST_CASE("QLinearMatMul: sums and rounding, by the kernels and by plain loops") {
  const Tensor a = random_codes<uint8_t>({2, 5, 33}, 14);
  const Tensor b = random_codes<int8_t>({33, 19}, 15);
  const Tensor a_zero = Tensor::scalar(uint8_t{140});
  for (const int64_t columns : {1, 19}) {
    const Tensor b_zero = random_codes<int8_t>({columns}, 16);
    const Tensor b_scale = random_floats({columns}, 17, 0.001F, 0.01F);
    const auto sums = product<uint8_t, int8_t>(a, b, a_zero, b_zero, 2, 5, 33, 19);
    std::vector<uint8_t> codes(sums.size());
    for (size_t i = 0; i < sums.size(); ++i)
      codes[i] = rounded<uint8_t>(
          sums[i], b_scale.as<float>()[columns == 1 ? 0 : i % 19] * 0.25F / 0.4F, 120);
    const Tensor expected = Tensor::of({2, 5, 19}, codes);
    NodeRunner node("QLinearMatMul", Attrs::of(MatMulAttrs{}));
    node.input(a).constant(Tensor::scalar(0.25F)).constant(a_zero);
    node.constant(b).constant(b_scale).constant(b_zero);
    node.constant(Tensor::scalar(0.4F)).constant(Tensor::scalar(uint8_t{120})).output();
    for (const CpuToken cpu : all_tokens())
      for (const char* row : {"gemm_s8", "matmul_s8"}) CHECK(node.run(row, cpu)[0] == expected);
    CHECK(node.run("reference")[0] == expected);
  }
}
