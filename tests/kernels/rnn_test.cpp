#include "kernels/rnn/rnn.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "kernels/rnn_f32/rnn_f32.h"
#include "kernels/rnn_s8/rnn_s8.h"

using namespace octet;
using namespace octet::kernels;

namespace {

struct Block {
  explicit Block(size_t bytes)
      : data(std::aligned_alloc(64, (bytes + 63) / 64 * 64 + 64), std::free) {}
  std::unique_ptr<void, void (*)(void*)> data;
};

struct Case {
  const char* name;
  size_t gates, steps, batch, hidden;
  bool reverse = false, lengths = false, initial = false, linear = false;
  float initial_bound = 1.0F, gate_bound = 2.0F;
};

const Case kCases[] = {
    {.name = "lstm one unit", .gates = 4, .steps = 3, .batch = 1, .hidden = 1},
    {.name = "lstm", .gates = 4, .steps = 20, .batch = 1, .hidden = 64, .initial = true},
    {.name = "lstm tails", .gates = 4, .steps = 7, .batch = 2, .hidden = 37, .reverse = true},
    {.name = "lstm lengths",
     .gates = 4,
     .steps = 9,
     .batch = 5,
     .hidden = 19,
     .lengths = true,
     .initial = true},
    {.name = "lstm lengths reverse",
     .gates = 4,
     .steps = 9,
     .batch = 19,
     .hidden = 10,
     .reverse = true,
     .lengths = true},
    {.name = "lstm large h0",
     .gates = 4,
     .steps = 4,
     .batch = 2,
     .hidden = 24,
     .initial = true,
     .initial_bound = 30.0F},
    {.name = "lstm blocks", .gates = 4, .steps = 3, .batch = 1, .hidden = 1030},
    {.name = "lstm one block", .gates = 4, .steps = 3, .batch = 3, .hidden = 512},
    {.name = "gru", .gates = 3, .steps = 20, .batch = 1, .hidden = 48, .initial = true},
    {.name = "gru lengths", .gates = 3, .steps = 9, .batch = 4, .hidden = 21, .lengths = true},
    {.name = "gru linear",
     .gates = 3,
     .steps = 20,
     .batch = 1,
     .hidden = 48,
     .initial = true,
     .linear = true},
    {.name = "gru linear reverse",
     .gates = 3,
     .steps = 8,
     .batch = 3,
     .hidden = 35,
     .reverse = true,
     .lengths = true,
     .linear = true},
    {.name = "gru large h0",
     .gates = 3,
     .steps = 5,
     .batch = 3,
     .hidden = 17,
     .initial = true,
     .linear = true,
     .initial_bound = 9.0F},
    // Many states within a thousandth of 1 and -1.
    {.name = "lstm saturated",
     .gates = 4,
     .steps = 20,
     .batch = 3,
     .hidden = 523,
     .gate_bound = 30.0F},
    {.name = "gru saturated",
     .gates = 3,
     .steps = 20,
     .batch = 1,
     .hidden = 29,
     .gate_bound = 30.0F},
    {.name = "gru linear saturated",
     .gates = 3,
     .steps = 20,
     .batch = 1,
     .hidden = 44,
     .linear = true,
     .gate_bound = 30.0F},
    {.name = "gru blocks", .gates = 3, .steps = 3, .batch = 2, .hidden = 514},
};

struct Outputs {
  std::vector<float> y, y_h, y_c;
  bool operator==(const Outputs&) const = default;
};

struct Problem {
  explicit Problem(const Case& c) : test(c), random(77) {
    const size_t rows = c.gates * c.hidden;
    for (size_t i = 0; i < rows * c.hidden; ++i)
      codes.push_back(static_cast<int8_t>(std::uniform_int_distribution<int>(-128, 127)(random)));
    for (size_t i = 0; i < rows; ++i)
      scale.push_back(real(0.5F, 1.5F) * 0.02F / std::sqrt(static_cast<float>(c.hidden)));
    for (size_t i = 0; i < codes.size(); ++i)
      weights.push_back(static_cast<float>(codes[i]) * scale[i / c.hidden]);
    for (size_t i = 0; i < c.steps * c.batch * (rows + 1); ++i)
      gates.push_back(real(-c.gate_bound, c.gate_bound));
    for (size_t i = 0; i < c.batch * c.hidden; ++i) {
      h0.push_back(real(-c.initial_bound, c.initial_bound));
      c0.push_back(real(-2, 2));
    }
    for (size_t i = 0; i < c.hidden; ++i) bias.push_back(real(-1, 1));
    for (size_t b = 0; b < c.batch; ++b)
      lengths.push_back(static_cast<int32_t>((b * 5 + 3) % (c.steps + 1)));
  }
  float real(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random);
  }
  size_t length(size_t b) const {
    return test.lengths ? static_cast<size_t>(lengths[b]) : test.steps;
  }
  const float* gate(size_t t, size_t b) const {
    return gates.data() + (t * test.batch + b) * (test.gates * test.hidden + 1);
  }

  Case test;
  std::mt19937 random;
  std::vector<int8_t> codes;
  std::vector<float> scale, weights, gates, h0, c0, bias;
  std::vector<int32_t> lengths;
};

Outputs run(const RnnCell& cell, const Problem& p, bool quantized) {
  const Case& c = p.test;
  RnnWeights w;
  w.gates = c.gates;
  w.hidden = c.hidden;
  w.data = quantized ? static_cast<const void*>(p.codes.data()) : p.weights.data();
  w.scale = p.scale.data();
  const Block packed(cell.packed_bytes(c.gates, c.hidden));
  cell.pack(w, packed.data.get());
  const Block scratch(rnn_scratch_bytes(cell, c.batch, c.hidden));
  const size_t state = c.batch * c.hidden, y_row = c.hidden + 3;
  Outputs out{std::vector<float>(c.steps * c.batch * y_row, 7.0F), std::vector<float>(state),
              std::vector<float>(state)};
  RnnArgs args;
  args.steps = c.steps;
  args.batch = c.batch;
  args.hidden = c.hidden;
  args.reverse = c.reverse;
  args.lengths = c.lengths ? p.lengths.data() : nullptr;
  args.packed = packed.data.get();
  args.gates = p.gates.data();
  args.gates_row = c.gates * c.hidden + 1;
  args.gates_step = c.batch * args.gates_row;
  args.h0 = c.initial ? p.h0.data() : nullptr;
  args.c0 = c.initial ? p.c0.data() : nullptr;
  args.y = out.y.data();
  args.y_row = c.steps * y_row;
  args.y_step = y_row;
  args.y_h = out.y_h.data();
  args.y_c = out.y_c.data();
  args.linear_before_reset = c.linear;
  args.recurrent_bias = c.linear ? p.bias.data() : nullptr;
  args.scratch = scratch.data.get();
  (c.gates == 4 ? lstm : gru)(cell, args);
  return out;
}

double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// ONNX's equations in double.
Outputs reference(const Problem& p) {
  const Case& c = p.test;
  const size_t hidden = c.hidden, y_row = hidden + 3;
  Outputs out{std::vector<float>(c.steps * c.batch * y_row, 7.0F), {}, {}};
  for (size_t b = 0; b < c.batch; ++b) {
    std::vector<double> h(hidden), cell(hidden);
    for (size_t i = 0; i < hidden && c.initial; ++i) {
      h[i] = p.h0[b * hidden + i];
      cell[i] = p.c0[b * hidden + i];
    }
    for (size_t t = 0; t < c.steps; ++t)
      std::fill_n(out.y.begin() + static_cast<ptrdiff_t>((b * c.steps + t) * y_row), hidden, 0.0F);
    for (size_t s = 0; s < p.length(b); ++s) {
      const size_t t = c.reverse ? p.length(b) - 1 - s : s;
      const auto product = [&](size_t g, size_t u, const std::vector<double>& x) {
        double sum = 0;
        for (size_t k = 0; k < hidden; ++k) sum += p.weights[(g * hidden + u) * hidden + k] * x[k];
        return sum;
      };
      const auto sum = [&](size_t g, size_t u) {
        return p.gate(t, b)[g * hidden + u] + product(g, u, h);
      };
      std::vector<double> next(hidden), reset(hidden);
      for (size_t u = 0; u < hidden && c.gates == 3; ++u) reset[u] = logistic(sum(1, u)) * h[u];
      for (size_t u = 0; u < hidden; ++u) {
        if (c.gates == 4) {
          cell[u] = logistic(sum(2, u)) * cell[u] + logistic(sum(0, u)) * std::tanh(sum(3, u));
          next[u] = logistic(sum(1, u)) * std::tanh(cell[u]);
          continue;
        }
        const double x = p.gate(t, b)[2 * hidden + u];
        const double n =
            std::tanh(c.linear ? x + logistic(sum(1, u)) * (product(2, u, h) + p.bias[u])
                               : x + product(2, u, reset));
        const double z = logistic(sum(0, u));
        next[u] = (1.0 - z) * n + z * h[u];
      }
      h = next;
      for (size_t u = 0; u < hidden; ++u)
        out.y[(b * c.steps + t) * y_row + u] = static_cast<float>(h[u]);
    }
    out.y_h.insert(out.y_h.end(), h.begin(), h.end());
    out.y_c.insert(out.y_c.end(), cell.begin(), cell.end());
  }
  return out;
}

double worst(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference = std::max(difference, std::fabs(static_cast<double>(a[i]) - b[i]));
  return difference;
}

// `cell` picks what to run of an instruction set's table.
template <typename Table, typename Pick>
void check_family(std::span<const Variant<Table>> variants,
                  const Variant<Table>& (*select)(CpuToken), Pick cell, bool quantized,
                  double tolerance) {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const Problem problem(c);
    const Outputs exact = reference(problem);
    const Outputs oracle = run(cell(*variants.front().table), problem, quantized);
    CHECK(worst(oracle.y, exact.y) < tolerance * std::max(1.0F, c.initial_bound));
    CHECK(worst(oracle.y_h, exact.y_h) < tolerance * std::max(1.0F, c.initial_bound));
    if (c.gates == 4) CHECK(worst(oracle.y_c, exact.y_c) < 4 * tolerance * c.initial_bound);
    for (const Variant<Table>& variant : variants) {
      const auto token = CpuToken::probe(variant.isa);
      if (!token) continue;
      CAPTURE(isa_name(variant.isa));
      CHECK(select(*token).isa == variant.isa);
      CHECK((run(cell(*variant.table), problem, quantized) == oracle));
    }
  }
}

const RnnCell& words_of(const RnnS8& cells) { return cells.words; }
const RnnCell& bytes_of(const RnnS8& cells) { return cells.bytes; }

// A block's largest codes and weights: one step of LSTM whose gates start at 3.
template <typename Codes>
void check_largest(const RnnCell& (*pick)(const RnnS8&), size_t hidden) {
  const std::vector<int8_t> codes(4 * hidden * hidden, -128);
  const float scale = 1e-6F;
  const std::vector<float> gates(4 * hidden, 3.0F), ones(hidden, 1.0F);
  for (const Variant<RnnS8>& variant : rnn_s8_variants()) {
    if (!CpuToken::probe(variant.isa)) continue;
    CAPTURE(isa_name(variant.isa));
    const RnnCell& cell = pick(*variant.table);
    CHECK(cell.most_code == Codes::kMost);
    const Block packed(cell.packed_bytes(4, hidden));
    cell.pack({4, hidden, codes.data(), &scale, 0}, packed.data.get());
    const Block scratch(rnn_scratch_bytes(cell, 1, hidden));
    std::vector<float> y(hidden);
    RnnArgs args;
    args.steps = args.batch = 1;
    args.hidden = hidden;
    args.packed = packed.data.get();
    args.gates = gates.data();
    args.h0 = ones.data();
    args.y = y.data();
    args.scratch = scratch.data.get();
    lstm(cell, args);
    const double sum = 3.0 - static_cast<double>(hidden) * 128 * 1e-6;
    const double expected = logistic(sum) * std::tanh(logistic(sum) * std::tanh(sum));
    for (const float h : y) CHECK(h == doctest::Approx(expected).epsilon(1e-5));
  }
}

}  // namespace

TEST_CASE("rnn_s8: every variant gives the oracle's bits, the oracle nearly the real recurrence") {
  check_family(rnn_s8_variants(), select_rnn_s8, words_of, true, 5e-4);
}

TEST_CASE("rnn_s8, states of bytes: every variant gives the oracle's bits") {
  check_family(rnn_s8_variants(), select_rnn_s8, bytes_of, true, 0.05);
}

TEST_CASE("rnn_f32: every variant gives the oracle's bits, the oracle nearly the real recurrence") {
  const auto itself = [](const RnnCell& cell) -> const RnnCell& { return cell; };
  check_family(rnn_f32_variants(), select_rnn_f32, itself, false, 2e-5);
}

TEST_CASE("rnn_s8: a block of the largest codes cannot overflow") {
  CHECK(int64_t{RnnWords::kBlock} * static_cast<int64_t>(RnnWords::kMost) * 128 <= INT32_MAX);
  CHECK(static_cast<int>(RnnWords::kMost) + 128 <= INT16_MAX);
  check_largest<RnnWords>(words_of, RnnWords::kBlock);
}

TEST_CASE("rnn_s8, states of bytes: a block of the largest codes cannot overflow") {
  // vpdpbusd takes a code and 128.
  CHECK(int64_t{RnnBytes::kBlock} * (static_cast<int64_t>(RnnBytes::kMost) + 128) * 128 <=
        INT32_MAX);
  CHECK(2 * static_cast<int>(RnnBytes::kMost) * 128 <= INT16_MAX);
  check_largest<RnnBytes>(bytes_of, 600);
}

// Half a step of the state, times the weights that it meets, is what a gate's sum can be off by.
TEST_CASE("rnn_s8: the state's rounding moves one step by no more than its bound") {
  for (const Case& c : kCases) {
    if (c.gates != 4 || !c.initial || c.lengths) continue;
    CAPTURE(c.name);
    Case one = c;
    one.steps = 1;
    const Problem p(one);
    const Outputs exact = reference(p);
    for (const auto pick : {words_of, bytes_of}) {
      const RnnCell& cell = pick(*rnn_s8_variants().front().table);
      const Outputs rounded = run(cell, p, true);
      for (size_t b = 0; b < c.batch; ++b) {
        const float* h0 = p.h0.data() + b * c.hidden;
        float most = 1.0F;
        for (size_t k = 0; k < c.hidden; ++k) most = std::max(most, std::fabs(h0[k]));
        for (size_t u = 0; u < c.hidden; ++u) {
          const auto off = [&](size_t gate) {
            double sum = 0;
            for (size_t k = 0; k < c.hidden; ++k)
              sum += std::fabs(p.weights[(gate * c.hidden + u) * c.hidden + k]);
            return sum * most / (2.0 * cell.most_code);
          };
          const size_t at = b * c.hidden + u;
          // Slopes: a sigmoid's is 1/4 at most, tanh's 1.
          const double of_cell =
              off(2) / 4 * std::fabs(p.c0[at]) + off(0) / 4 + off(3) + off(0) * off(3) / 4;
          CHECK(std::fabs(rounded.y_c[at] - exact.y_c[at]) <= of_cell + 1e-5);
          CHECK(std::fabs(rounded.y_h[at] - exact.y_h[at]) <= off(1) / 4 + of_cell + 1e-5);
        }
      }
    }
  }
}
