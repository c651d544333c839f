#include <cmath>

#include "tests/conformance/builder.h"
#include "tests/conformance/draw.h"
#include "tests/conformance/families.h"

// LSTM and GRU with weights behind DequantizeLinear, against the recurrence in double.

namespace octet::conformance {
namespace {

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// Weights of one direction as numbers: [gates * hidden, columns].
struct Matrix {
  size_t columns;
  std::vector<double> values;
  double times(size_t row, const double* x) const {
    double sum = 0.0;
    for (size_t c = 0; c < columns; ++c) sum += values[row * columns + c] * x[c];
    return sum;
  }
};

struct Direction {
  size_t hidden;
  Matrix w, r;
  std::vector<double> wb, rb;
};

// ONNX's order of gates: input, output, forget, cell.
void lstm_step(const Direction& d, const double* x, std::vector<double>& h,
               std::vector<double>& c) {
  const std::vector<double> before = h;
  const auto gate = [&](size_t g, size_t i) {
    const size_t row = g * d.hidden + i;
    return d.w.times(row, x) + d.r.times(row, before.data()) + d.wb[row] + d.rb[row];
  };
  for (size_t i = 0; i < d.hidden; ++i) {
    c[i] = sigmoid(gate(2, i)) * c[i] + sigmoid(gate(0, i)) * std::tanh(gate(3, i));
    h[i] = sigmoid(gate(1, i)) * std::tanh(c[i]);
  }
}

// ONNX's order of gates: update, reset, hidden; the reset behind the product (linear_before_reset).
void gru_step(const Direction& d, const double* x, std::vector<double>& h) {
  const std::vector<double> before = h;
  const auto from_x = [&](size_t g, size_t i) {
    return d.w.times(g * d.hidden + i, x) + d.wb[g * d.hidden + i];
  };
  const auto from_h = [&](size_t g, size_t i) {
    return d.r.times(g * d.hidden + i, before.data()) + d.rb[g * d.hidden + i];
  };
  for (size_t i = 0; i < d.hidden; ++i) {
    const double update = sigmoid(from_x(0, i) + from_h(0, i));
    const double reset = sigmoid(from_x(1, i) + from_h(1, i));
    const double next = std::tanh(from_x(2, i) + reset * from_h(2, i));
    h[i] = (1.0 - update) * next + update * before[i];
  }
}

Case recurrent(size_t index) {
  Random random(90000 + index);
  const bool lstm = index % 2 == 0;
  const size_t gates = lstm ? 4 : 3;
  const auto directions = static_cast<size_t>(index % 3 == 2 ? 2 : 1);
  const auto steps = static_cast<size_t>(random.integer(1, 6));
  const auto batch = static_cast<size_t>(random.integer(1, 3));
  const auto inputs = static_cast<size_t>(random.pick<int64_t>({1, 3, 8, 20}));
  const auto hidden = static_cast<size_t>(random.pick<int64_t>({1, 4, 8, 17, 32}));
  Builder builder(case_name("qdq_recurrent", index, lstm ? "lstm" : "gru"));
  const auto dims = [](std::initializer_list<size_t> list) {
    return Dims(list.begin(), list.end());
  };

  const auto x = draw_floats(random, steps * batch * inputs, -1.0, 1.0);
  std::vector<Direction> all(directions, Direction{hidden, {inputs, {}}, {hidden, {}}, {}, {}});
  const auto weight = [&](size_t columns, Matrix Direction::*matrix) {
    const Params params = draw_params(random, DType::s8, 1, true, 0.002, 0.008);
    const auto c = draw_codes(random, DType::s8, directions * gates * hidden * columns);
    const auto real = dequantized(c, params);
    for (size_t d = 0; d < directions; ++d) {
      const auto first = real.begin() + static_cast<ptrdiff_t>(d * gates * hidden * columns);
      (all[d].*matrix)
          .values.assign(first, first + static_cast<ptrdiff_t>(gates * hidden * columns));
    }
    return builder.dequantized(
        builder.constant(codes(DType::s8, dims({directions, gates * hidden, columns}), c)), params);
  };
  const std::string name_x = builder.input(reals(DType::f32, dims({steps, batch, inputs}), x));
  const std::string name_w = weight(inputs, &Direction::w);
  const std::string name_r = weight(hidden, &Direction::r);
  const auto bias = draw_floats(random, directions * 2 * gates * hidden, -0.5, 0.5);
  for (size_t d = 0; d < directions; ++d) {
    const auto first = bias.begin() + static_cast<ptrdiff_t>(d * 2 * gates * hidden);
    const auto middle = first + static_cast<ptrdiff_t>(gates * hidden);
    all[d].wb.assign(first, middle);
    all[d].rb.assign(middle, middle + static_cast<ptrdiff_t>(gates * hidden));
  }
  const std::string name_b =
      builder.constant(reals(DType::f32, dims({directions, 2 * gates * hidden}), bias));

  std::vector<double> y(steps * directions * batch * hidden);
  for (size_t d = 0; d < directions; ++d)
    for (size_t b = 0; b < batch; ++b) {
      std::vector<double> h(hidden, 0.0);
      std::vector<double> c(hidden, 0.0);
      for (size_t s = 0; s < steps; ++s) {
        const size_t t = d == 0 ? s : steps - 1 - s;
        const double* now = x.data() + (t * batch + b) * inputs;
        if (lstm)
          lstm_step(all[d], now, h, c);
        else
          gru_step(all[d], now, h);
        std::copy(h.begin(), h.end(),
                  y.begin() + static_cast<ptrdiff_t>(((t * directions + d) * batch + b) * hidden));
      }
    }
  AttrMap attrs;
  attrs["hidden_size"] = static_cast<int64_t>(hidden);
  attrs["direction"] = std::string(directions == 2 ? "bidirectional" : "forward");
  if (!lstm) attrs["linear_before_reset"] = int64_t{1};
  const std::string name_y =
      builder.node(lstm ? "LSTM" : "GRU", {name_x, name_w, name_r, name_b}, attrs);
  Expected expected{reals(DType::f32, dims({steps, directions, batch, hidden}), y)};
  expected.absolute = 2e-3;  // The hidden state may be kept as integers of 16 bits.
  builder.output(name_y, std::move(expected));
  return builder.finish();
}

// Softmax(Q K^T * scale) V with every operand quantized.
Case attention(size_t index) {
  Random random(95000 + index);
  const auto heads = random.integer(1, 3);
  const auto queries = random.pick<int64_t>({1, 2, 7, 16});
  const auto keys = random.pick<int64_t>({1, 3, 8, 17, 40});
  const auto size = random.pick<int64_t>({4, 8, 16, 33});
  Builder builder(case_name("qdq_attention", index, "heads"));
  struct Operand {
    std::string name;
    std::vector<double> real;
  };
  const auto operand = [&](const Dims& dims) {
    const Params params = draw_params(random, DType::s8, 1, true, 0.005, 0.02);
    const auto c = draw_codes(random, DType::s8, count_of(dims));
    return Operand{builder.dequantized(builder.input(codes(DType::s8, dims, c)), params),
                   dequantized(c, params)};
  };
  const Operand q = operand({1, heads, queries, size});
  const Operand k = operand({1, heads, size, keys});
  const Operand v = operand({1, heads, keys, size});
  const auto h = static_cast<size_t>(heads);
  const auto m = static_cast<size_t>(queries);
  const auto n = static_cast<size_t>(keys);
  const auto d = static_cast<size_t>(size);
  const double factor = as_float(1.0 / std::sqrt(static_cast<double>(size)));
  auto scores = matmul(q.real, k.real, h, m, d, n, false);
  for (size_t row = 0; row < h * m; ++row) {
    double most = -1e30;
    double sum = 0.0;
    for (size_t j = 0; j < n; ++j) most = std::max(most, scores[row * n + j] * factor);
    for (size_t j = 0; j < n; ++j) sum += std::exp(scores[row * n + j] * factor - most);
    for (size_t j = 0; j < n; ++j)
      scores[row * n + j] = std::exp(scores[row * n + j] * factor - most) / sum;
  }
  Params probability;
  probability.type = DType::u8;
  probability.scale = {as_float(1.0 / 255)};
  const auto kept = through(scores, probability);
  const auto real = matmul(kept, v.real, h, m, n, d, false);
  const std::string product = builder.node("MatMul", {q.name, k.name});
  const std::string scaled =
      builder.node("Mul", {product, builder.constant(reals(DType::f32, {}, {factor}))});
  const std::string soft =
      builder.rounded(builder.node("Softmax", {scaled}, {{"axis", int64_t{-1}}}), probability);
  const std::string y = builder.node("MatMul", {soft, v.name});
  // A probability on the edge between two codes may take either: each moves the sum by a code.
  Expected expected{reals(DType::f32, {1, heads, queries, size}, real)};
  double largest = 0.0;
  for (const double r : v.real) largest = std::max(largest, std::fabs(r));
  expected.absolute = 2.0 / 255 * largest;
  builder.output(y, std::move(expected));
  return builder.finish();
}

// Float activations times 4-bit weights, a scale a block, a column or the whole.
Case int4_weights(size_t index) {
  Random random(99000 + index);
  const auto m = random.pick<int64_t>({1, 1, 2, 5, 17});
  const auto k = random.pick<int64_t>({16, 32, 64, 96});
  const auto n = random.pick<int64_t>({1, 8, 16, 30});
  const DType type = random.chance() ? DType::s4 : DType::u4;
  const int64_t block = index % 3 == 0 ? random.pick<int64_t>({16, 32}) : 0;
  const bool columns = index % 3 == 1;
  Builder builder(case_name("int4_weights", index,
                            std::string(dtype_name(type)) + (block > 0 ? "_block" : "")));
  const auto x = draw_floats(random, static_cast<size_t>(m * k), -2.0, 2.0);
  const auto c = draw_codes(random, type, static_cast<size_t>(k * n));
  const Dims scale_dims = block > 0 ? Dims{(k + block - 1) / block, n} : columns ? Dims{n} : Dims{};
  const size_t scales = count_of(scale_dims);
  const Params params = draw_params(random, type, scales, type == DType::s4, 0.01, 0.1);
  std::vector<double> w;
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j) {
      const size_t at = block > 0 ? static_cast<size_t>(i / block * n + j)
                                  : (columns ? static_cast<size_t>(j) : 0);
      const auto code = c[static_cast<size_t>(i * n + j)] - params.zero[at];
      w.push_back(static_cast<double>(code) * params.scale[at]);
    }
  AttrMap attrs;
  if (block > 0) attrs = {{"axis", int64_t{0}}, {"block_size", block}};
  if (columns) attrs = {{"axis", int64_t{1}}};
  const std::string name_x = builder.input(reals(DType::f32, {m, k}, x));
  const std::string weight =
      builder.node("DequantizeLinear",
                   {builder.constant(codes(type, {k, n}, c)),
                    builder.constant(reals(DType::f32, scale_dims, params.scale)),
                    builder.constant(codes(type, scale_dims, params.zero))},
                   attrs);
  const auto real =
      matmul(x, w, 1, static_cast<size_t>(m), static_cast<size_t>(k), static_cast<size_t>(n), true);
  Expected expected{reals(DType::f32, {m, n}, real)};
  for (const double r : real) expected.absolute = std::max(expected.absolute, std::fabs(r) * 2e-5);
  expected.absolute += 1e-5;
  builder.output(builder.node("MatMul", {name_x, weight}), std::move(expected));
  return builder.finish();
}

}  // namespace

const Family kQdqRecurrent = {"qdq_recurrent", 90, recurrent};
const Family kQdqAttention = {"qdq_attention", 60, attention};
const Family kInt4Weights = {"int4_weights", 120, int4_weights};

}  // namespace octet::conformance
