#include <algorithm>
#include <cmath>

#include "kernels/math/poly.h"
#include "kernels/rnn_f32/rnn_f32.h"

namespace octet::kernels {
namespace {

// Packed R: as it came. State: float h.
size_t packed_bytes(size_t gates, size_t hidden) { return gates * hidden * hidden * sizeof(float); }

void pack(const RnnWeights& w, void* packed) {
  std::copy_n(static_cast<const float*>(w.data), w.gates * w.hidden * w.hidden,
              static_cast<float*>(packed));
}

size_t state_bytes(size_t hidden) { return (hidden * sizeof(float) + 63) & ~size_t{63}; }

void encode(const float* h, size_t hidden, float /*scale*/, void* state) {
  std::copy_n(h, hidden, static_cast<float*>(state));
}

// initial + R[row, :] h.
float gate(const RnnStep& step, size_t row, const void* state, float initial) {
  const float* r = static_cast<const float*>(step.packed) + row * step.hidden;
  const auto* h = static_cast<const float*>(state);
  float value = initial;
  for (size_t k = 0; k < step.hidden; ++k) value = std::fma(h[k], r[k], value);
  return value;
}

void store(const RnnRow& row, size_t u, float h) {
  row.hidden[u] = h;
  if (row.y != nullptr) row.y[u] = h;
  static_cast<float*>(row.next_state)[u] = h;
}

void lstm(const RnnStep& step) {
  const size_t hidden = step.hidden;
  for (size_t b = 0; b < step.rows; ++b) {
    const RnnRow& row = step.row[b];
    for (size_t u = 0; u < hidden; ++u) {
      const auto sum = [&](size_t g) {
        return gate(step, g * hidden + u, row.state, row.gates[g * hidden + u]);
      };
      const float i = math::sigmoid(sum(0)), o = math::sigmoid(sum(1)), f = math::sigmoid(sum(2));
      row.cell[u] = std::fma(f, row.cell[u], i * math::tanh(sum(3)));
      store(row, u, o * math::tanh(row.cell[u]));
    }
  }
}

void gru_row(const RnnStep& step, const RnnRow& row) {
  const size_t hidden = step.hidden;
  const auto sum = [&](size_t g, size_t u, const void* state, float initial) {
    return gate(step, g * hidden + u, state, initial);
  };
  const auto finish = [&](size_t u, float z, float candidate) {
    const float n = math::tanh(candidate);
    store(row, u, std::fma(z, row.hidden[u] - n, n));
  };
  for (size_t u = 0; u < hidden; ++u) {
    const float z = math::sigmoid(sum(0, u, row.state, row.gates[u]));
    const float r = math::sigmoid(sum(1, u, row.state, row.gates[hidden + u]));
    if (step.linear_before_reset) {
      const float bias = step.recurrent_bias == nullptr ? 0.0F : step.recurrent_bias[u];
      finish(u, z, std::fma(r, sum(2, u, row.state, bias), row.gates[2 * hidden + u]));
    } else {
      row.sums[u] = z;
      static_cast<float*>(row.reset_state)[u] = r * row.hidden[u];
    }
  }
  if (step.linear_before_reset) return;
  for (size_t u = 0; u < hidden; ++u)
    finish(u, row.sums[u], sum(2, u, row.reset_state, row.gates[2 * hidden + u]));
}

void gru(const RnnStep& step) {
  for (size_t b = 0; b < step.rows; ++b) gru_row(step, step.row[b]);
}

}  // namespace

extern const RnnCell rnn_f32_scalar;
const RnnCell rnn_f32_scalar = {packed_bytes, pack, state_bytes, encode, lstm, gru};

}  // namespace octet::kernels
