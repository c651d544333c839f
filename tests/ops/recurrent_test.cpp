#include "engine/ops/common/recurrent.h"

#include <cmath>

#include "engine/ops/common/dequantize.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::GruAttrs;
using ops::LstmAttrs;
using ops::RecurrentAttrs;
using ops::RnnAttrs;

namespace {

using Values = std::vector<double>;

struct Case {
  const char* name;
  int64_t gates;
  int64_t steps, batch, inputs, hidden;
  RecurrentAttrs attrs = {};
  bool lengths = false;
  bool initial = false;
  bool bias = true;
  bool peepholes = false;
};

// All tensors of a case; layout 0.
struct Data {
  int64_t directions;
  Tensor x, w, r, b, lengths, h0, c0, p;
};

Data data_of(const Case& c) {
  const int64_t dirs = c.attrs.direction == "bidirectional" ? 2 : 1;
  std::vector<int32_t> lengths;
  for (int64_t i = 0; i < c.batch; ++i)
    lengths.push_back(static_cast<int32_t>((c.steps + i) % (c.steps + 1)));
  return {dirs,
          random_floats({c.steps, c.batch, c.inputs}, 1),
          random_floats({dirs, c.gates * c.hidden, c.inputs}, 2),
          random_floats({dirs, c.gates * c.hidden, c.hidden}, 3, -0.3F, 0.3F),
          random_floats({dirs, 2 * c.gates * c.hidden}, 4),
          Tensor::of({c.batch}, lengths),
          random_floats({dirs, c.batch, c.hidden}, 5),
          random_floats({dirs, c.batch, c.hidden}, 6),
          random_floats({dirs, 3 * c.hidden}, 7)};
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// The standard's equations for one step of one sequence, with the default functions.
class Oracle {
 public:
  Oracle(const Case& c, const Data& data, int64_t direction, int64_t batch)
      : c_(c), data_(data), d_(direction), h(state(data.h0, batch)), cell(state(data.c0, batch)) {}

  void step(const float* x) { c_.gates == 4 ? lstm(x) : c_.gates == 3 ? gru(x) : rnn(x); }

 private:
  Values state(const Tensor& from, int64_t b) const {
    Values values(static_cast<size_t>(c_.hidden), 0.0);
    for (size_t u = 0; c_.initial && u < values.size(); ++u)
      values[u] = from.as<float>()[static_cast<size_t>((d_ * c_.batch + b) * c_.hidden) + u];
    return values;
  }
  double bias(int64_t row) const {
    if (!c_.bias) return 0.0;
    return data_.b.as<float>()[static_cast<size_t>(d_ * 2 * c_.gates * c_.hidden + row)];
  }
  double from_x(int64_t row, const float* x) const {
    double sum = bias(row);
    const float* w =
        &data_.w.as<float>()[static_cast<size_t>((d_ * c_.gates * c_.hidden + row) * c_.inputs)];
    for (int64_t i = 0; i < c_.inputs; ++i) sum += static_cast<double>(w[i]) * x[i];
    return sum;
  }
  double from_h(int64_t row, const Values& state) const {
    double sum = bias(c_.gates * c_.hidden + row);
    const float* r =
        &data_.r.as<float>()[static_cast<size_t>((d_ * c_.gates * c_.hidden + row) * c_.hidden)];
    for (size_t i = 0; i < state.size(); ++i) sum += r[i] * state[i];
    return sum;
  }
  double clip(double x) const {
    if (!c_.attrs.clip) return x;
    return std::fmin(std::fmax(x, -*c_.attrs.clip), *c_.attrs.clip);
  }
  double peephole(int64_t which, int64_t u, double value) const {
    if (!c_.peepholes) return 0.0;
    return data_.p.as<float>()[static_cast<size_t>((d_ * 3 + which) * c_.hidden + u)] * value;
  }

  void lstm(const float* x) {
    const Values old = h;
    for (int64_t u = 0; u < c_.hidden; ++u) {
      const auto at = static_cast<size_t>(u);
      const auto sum = [&](int64_t g) {
        return from_x(g * c_.hidden + u, x) + from_h(g * c_.hidden + u, old);
      };
      const double i = sigmoid(clip(sum(0) + peephole(0, u, cell[at])));
      const double f =
          c_.attrs.input_forget != 0 ? 1.0 - i : sigmoid(clip(sum(2) + peephole(2, u, cell[at])));
      cell[at] = f * cell[at] + i * std::tanh(clip(sum(3)));
      h[at] = sigmoid(clip(sum(1) + peephole(1, u, cell[at]))) * std::tanh(cell[at]);
    }
  }

  void gru(const float* x) {
    const Values old = h;
    Values z, r, reset;
    for (int64_t u = 0; u < c_.hidden; ++u) {
      z.push_back(sigmoid(clip(from_x(u, x) + from_h(u, old))));
      r.push_back(sigmoid(clip(from_x(c_.hidden + u, x) + from_h(c_.hidden + u, old))));
      reset.push_back(r.back() * old[static_cast<size_t>(u)]);
    }
    for (int64_t u = 0; u < c_.hidden; ++u) {
      const auto at = static_cast<size_t>(u);
      const int64_t row = 2 * c_.hidden + u;
      const double state =
          c_.attrs.linear_before_reset != 0 ? r[at] * from_h(row, old) : from_h(row, reset);
      h[at] = (1.0 - z[at]) * std::tanh(clip(from_x(row, x) + state)) + z[at] * old[at];
    }
  }

  void rnn(const float* x) {
    const Values old = h;
    for (int64_t u = 0; u < c_.hidden; ++u)
      h[static_cast<size_t>(u)] = std::tanh(clip(from_x(u, x) + from_h(u, old)));
  }

  const Case& c_;
  const Data& data_;
  int64_t d_;

 public:
  Values h, cell;
};

void put(Tensor& to, int64_t index, const Values& values) {
  for (size_t u = 0; u < values.size(); ++u)
    to.writable_as<float>()[static_cast<size_t>(index) * values.size() + u] =
        static_cast<float>(values[u]);
}

// Y, Y_h and, of an LSTM, Y_c.
std::vector<Tensor> expected_of(const Case& c, const Data& data) {
  const Dims states{data.directions, c.batch, c.hidden};
  std::vector<Tensor> out;
  out.push_back(*Tensor::zeros(DType::f32, {c.steps, data.directions, c.batch, c.hidden}));
  out.push_back(*Tensor::zeros(DType::f32, states));
  if (c.gates == 4) out.push_back(*Tensor::zeros(DType::f32, states));
  for (int64_t d = 0; d < data.directions; ++d)
    for (int64_t b = 0; b < c.batch; ++b) {
      Oracle oracle(c, data, d, b);
      const int64_t length =
          c.lengths ? data.lengths.as<int32_t>()[static_cast<size_t>(b)] : c.steps;
      for (int64_t s = 0; s < length; ++s) {
        const int64_t t = d == 1 || c.attrs.direction == "reverse" ? length - 1 - s : s;
        oracle.step(&data.x.as<float>()[static_cast<size_t>((t * c.batch + b) * c.inputs)]);
        put(out[0], (t * data.directions + d) * c.batch + b, oracle.h);
      }
      put(out[1], d * c.batch + b, oracle.h);
      if (c.gates == 4) put(out[2], d * c.batch + b, oracle.cell);
    }
  return out;
}

template <typename A>
Attrs attrs_as(const RecurrentAttrs& attrs) {
  A own;
  static_cast<RecurrentAttrs&>(own) = attrs;
  return Attrs::of(own);
}

NodeRunner runner_of(const Case& c) {
  if (c.gates == 4) return NodeRunner("LSTM", attrs_as<LstmAttrs>(c.attrs));
  if (c.gates == 3) return NodeRunner("GRU", attrs_as<GruAttrs>(c.attrs));
  return NodeRunner("RNN", attrs_as<RnnAttrs>(c.attrs));
}

// Everything after R.
void finish(NodeRunner& node, const Case& c, const Data& data) {
  c.bias ? node.constant(data.b) : node.absent();
  c.lengths ? node.input(data.lengths) : node.absent();
  c.initial ? node.input(data.h0) : node.absent();
  if (c.gates == 4) {
    c.initial ? node.input(data.c0) : node.absent();
    if (c.peepholes) node.constant(data.p);
  }
  for (int64_t i = 0; i < (c.gates == 4 ? 3 : 2); ++i) node.output();
}

void check_close(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected,
                 double limit) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    INFO("output " << i);
    CHECK(relative_difference(actual[i], expected[i]) < limit);
  }
}

struct Quantized {
  Tensor codes;
  QuantPtr quant;
};

// s8 codes with a scale for each gate row, the same in both directions.
Quantized quantized_weight(const Tensor& weight) {
  const auto rows = static_cast<size_t>(weight.dims()[1]);
  const auto columns = static_cast<size_t>(weight.dims()[2]);
  std::vector<float> scale(rows, 1e-6F);
  const auto values = weight.as<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    float& s = scale[i / columns % rows];
    s = std::fmax(s, std::fabs(values[i]) / 127.0F);
  }
  std::vector<int8_t> codes;
  for (size_t i = 0; i < values.size(); ++i)
    codes.push_back(quantize<int8_t>(values[i], {scale[i / columns % rows]}, {0}));
  QuantType quant;
  quant.storage = DType::s8;
  quant.axis = 1;
  quant.scale = Tensor::of({static_cast<int64_t>(rows)}, scale);
  return {Tensor::of(weight.dims(), codes), std::make_shared<const QuantType>(std::move(quant))};
}

Tensor real(const Quantized& q) {
  return Tensor::of(q.codes.dims(), ops::real_elements(q.codes, q.quant));
}

// The parameters that DynamicQuantizeLinear takes for `x`.
QuantPtr dynamic_quant(const Tensor& x) {
  float low = 0.0F;
  float high = 0.0F;
  for (const float v : x.as<float>()) {
    low = std::fmin(low, v);
    high = std::fmax(high, v);
  }
  const float scale = high > low ? (high - low) / 255.0F : 1.0F;
  return tensor_quant(DType::u8, scale, static_cast<int>(std::nearbyint(-low / scale)));
}

RecurrentAttrs direction(const char* name, int64_t linear = 0) {
  RecurrentAttrs attrs;
  attrs.direction = name;
  attrs.linear_before_reset = linear;
  return attrs;
}

RecurrentAttrs special(std::optional<float> clip, int64_t input_forget, int64_t linear) {
  RecurrentAttrs attrs = direction("bidirectional", linear);
  attrs.clip = clip;
  attrs.input_forget = input_forget;
  return attrs;
}

// What the cells' kernels can run.
const Case kPlain[] = {
    {"lstm", 4, 5, 1, 7, 12},
    {"lstm bidirectional", 4, 6, 3, 9, 17, direction("bidirectional"), true, true},
    {"lstm reverse", 4, 4, 2, 3, 33, direction("reverse"), true, false, false},
    {"lstm one step", 4, 1, 1, 40, 64, {}, false, true},
    {"lstm no step", 4, 0, 2, 4, 8, {}, false, true},
    {"gru", 3, 5, 1, 7, 12},
    {"gru bidirectional", 3, 6, 3, 9, 17, direction("bidirectional"), true, true},
    {"gru linear", 3, 6, 3, 9, 17, direction("bidirectional", 1), true, true},
    {"gru linear without bias", 3, 4, 2, 5, 20, direction("reverse", 1), false, false, false},
};

const Case kSpecial[] = {
    {"lstm peepholes", 4, 5, 2, 4, 6, direction("bidirectional"), true, true, true, true},
    {"lstm clip", 4, 5, 2, 4, 6, special(0.5F, 0, 0)},
    {"lstm input_forget", 4, 5, 2, 4, 6, special({}, 1, 0)},
    {"gru clip", 3, 5, 2, 4, 6, special(0.5F, 0, 1)},
    {"rnn", 1, 5, 2, 4, 6},
    {"rnn bidirectional", 1, 5, 2, 4, 6, direction("bidirectional"), true, true},
    {"rnn clip", 1, 5, 2, 4, 6, special(0.5F, 0, 0)},
};

}  // namespace

TEST_CASE("Recurrent: the float rows against the standard's equations") {
  for (const Case& c : kPlain) {
    INFO(c.name);
    const Data data = data_of(c);
    const auto expected = expected_of(c, data);
    for (const CpuToken cpu : all_tokens()) {
      NodeRunner node = runner_of(c);
      node.input(data.x).constant(data.w).constant(data.r);
      finish(node, c, data);
      check_close(node.run("rnn_f32", cpu), expected, 1e-5);
      CHECK(node.info().kernel == (c.gates == 4 ? "lstm_f32" : "gru_f32"));
      check_close(node.run("reference", cpu), expected, 1e-5);
    }
  }
}

TEST_CASE("Recurrent: what only the reference row runs") {
  for (const Case& c : kSpecial) {
    INFO(c.name);
    const Data data = data_of(c);
    NodeRunner node = runner_of(c);
    node.input(data.x).constant(data.w).constant(data.r);
    finish(node, c, data);
    CHECK(node.rows() == std::vector<std::string>{"reference"});
    check_close(node.run("reference"), expected_of(c, data), 1e-5);
  }
}

TEST_CASE("Recurrent: int8 rows against float on the same weights") {
  enum class X { real, codes, dynamic };
  struct Form {
    X x;
    int64_t state_bits;
    double tolerance;
  };
  const Form forms[] = {
      {X::real, 16, 1e-3}, {X::codes, 16, 1e-3}, {X::dynamic, 16, 1e-3}, {X::codes, 8, 0.03}};
  for (const Case& plain : kPlain)
    for (const auto& [form, state_bits, tolerance] : forms) {
      Case c = plain;
      c.attrs.dynamic_x = form == X::dynamic;
      c.attrs.state_bits = state_bits;
      INFO(c.name << ", X " << static_cast<int>(form) << ", states of " << state_bits << " bits");
      Data data = data_of(c);
      const Quantized w = quantized_weight(data.w);
      const Quantized r = quantized_weight(data.r);
      const QuantPtr x_quant =
          form == X::codes ? tensor_quant(DType::u8, 2.0F / 255.0F, 128) : dynamic_quant(data.x);
      const Tensor codes = quantized(data.x, *x_quant);
      const Tensor x = data.x;
      if (form != X::real) data.x = real({codes, x_quant});
      data.w = real(w);
      data.r = real(r);
      const auto expected = expected_of(c, data);
      for (const CpuToken cpu : all_tokens()) {
        NodeRunner node = runner_of(c);
        form == X::codes ? node.input(codes, x_quant) : node.input(x);
        node.constant(w.codes, w.quant).constant(r.codes, r.quant);
        finish(node, c, data);
        CHECK(node.rows().front() == "rnn_s8");
        check_close(node.run("rnn_s8", cpu), expected, tolerance);
        CHECK(node.info().kernel ==
              std::string(c.gates == 4 ? "lstm_s8" : "gru_s8") + (state_bits == 8 ? "_bytes" : ""));
      }
    }
}

TEST_CASE("Recurrent: batch-first layout is the other with axes exchanged") {
  for (const int64_t gates : {1, 3, 4}) {
    Case c{"batch first", gates, 5, 3, 4, 6, direction("bidirectional"), true};
    const Data data = data_of(c);
    const auto expected = expected_of(c, data);
    Tensor x = *Tensor::zeros(DType::f32, {c.batch, c.steps, c.inputs});
    for (size_t t = 0; t < 5; ++t)
      for (size_t b = 0; b < 3; ++b)
        std::copy_n(&data.x.as<float>()[(t * 3 + b) * 4], 4,
                    x.writable_as<float>() + (b * 5 + t) * 4);
    c.attrs.layout = 1;
    NodeRunner node = runner_of(c);
    node.input(x).input(data.w).input(data.r);
    finish(node, c, data);
    const auto actual = node.run("reference");
    CHECK(actual[0].dims() == Dims{3, 5, 2, 6});
    CHECK(actual[1].dims() == Dims{3, 2, 6});
    for (size_t t = 0; t < 5; ++t)
      for (size_t d = 0; d < 2; ++d)
        for (size_t b = 0; b < 3; ++b)
          for (size_t u = 0; u < 6; ++u)
            CHECK(actual[0].as<float>()[((b * 5 + t) * 2 + d) * 6 + u] ==
                  doctest::Approx(expected[0].as<float>()[((t * 2 + d) * 3 + b) * 6 + u])
                      .epsilon(1e-4));
  }
}

TEST_CASE("Recurrent: functions take alpha and beta in order") {
  Case c{"functions", 1, 1, 1, 1, 1, direction("bidirectional")};
  c.bias = false;
  c.attrs.activations = {"Affine", "LeakyRelu"};
  c.attrs.activation_alpha = {2.0F, 0.5F};
  c.attrs.activation_beta = {1.0F};
  NodeRunner node = runner_of(c);
  node.input(Tensor::of<float>({1, 1, 1}, std::vector<float>{-3.0F}));
  node.constant(Tensor::of<float>({2, 1, 1}, std::vector<float>{1.0F, 1.0F}));
  node.constant(Tensor::of<float>({2, 1, 1}, std::vector<float>{0.0F, 0.0F}));
  node.output();
  const auto y = node.run("reference")[0];
  CHECK(y.as<float>()[0] == -5.0F);
  CHECK(y.as<float>()[1] == -1.5F);
}

TEST_CASE("Recurrent: weights that do not fit X fail") {
  const Case c{"bad", 4, 3, 2, 4, 5};
  const Data data = data_of(c);
  Graph graph;
  const OpDef& lstm = require_op("", "LSTM");
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{3, 2, 7}));
  const ValueId w = graph.add_constant("w", data.w);
  const ValueId r = graph.add_constant("r", data.r);
  const ValueId y = graph.add_op(lstm, {x, w, r}, Attrs::of(LstmAttrs{}), "y");
  CHECK_FALSE(infer_node(graph, graph.value(y).producer).ok());
}
