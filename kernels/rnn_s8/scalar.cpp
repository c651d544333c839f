#include <algorithm>
#include <cmath>

#include "kernels/math/poly.h"
#include "kernels/rnn_s8/rnn_s8.h"

namespace octet::kernels {
namespace {

// Packed R: float scale[gates * hidden], then int8_t codes as they came.
size_t packed_bytes(size_t gates, size_t hidden) {
  return gates * hidden * (sizeof(float) + hidden);
}

void pack(const RnnWeights& w, void* packed) {
  const size_t rows = w.gates * w.hidden;
  auto* scale = static_cast<float*>(packed);
  for (size_t i = 0; i < rows; ++i) scale[i] = w.scale[i * w.scale_stride];
  std::copy_n(static_cast<const int8_t*>(w.data), rows * w.hidden,
              reinterpret_cast<int8_t*>(scale + rows));
}

// State: Code codes[hidden].
template <typename Codes, typename Code>
struct Cell {
  static size_t state_bytes(size_t hidden) { return (hidden * sizeof(Code) + 63) & ~size_t{63}; }

  static Code state_code(float h, float scale) {
    float code = std::nearbyint(h * (1.0F / scale));
    code = code < Codes::kMost ? code : Codes::kMost;
    return static_cast<Code>(code > -Codes::kMost ? code : -Codes::kMost);
  }

  static void encode(const float* h, size_t hidden, float scale, void* state) {
    for (size_t i = 0; i < hidden; ++i) static_cast<Code*>(state)[i] = state_code(h[i], scale);
  }

  // initial + R[row, :] h, with R's scales for `gates` gates.
  static float gate(const RnnStep& step, size_t gates, size_t row, const void* state,
                    float state_scale, float initial) {
    const auto* scales = static_cast<const float*>(step.packed);
    const auto* r =
        reinterpret_cast<const int8_t*>(scales + gates * step.hidden) + row * step.hidden;
    const auto* h = static_cast<const Code*>(state);
    const float scale = scales[row] * state_scale;
    float value = initial;
    for (size_t begin = 0; begin < step.hidden; begin += Codes::kBlock) {
      const size_t end = std::min(begin + Codes::kBlock, step.hidden);
      int32_t sum = 0;
      for (size_t k = begin; k < end; ++k) sum += int32_t{r[k]} * int32_t{h[k]};
      value = std::fma(static_cast<float>(sum), scale, value);
    }
    return value;
  }

  static void store(const RnnRow& row, size_t u, float h) {
    row.hidden[u] = h;
    if (row.y != nullptr) row.y[u] = h;
    static_cast<Code*>(row.next_state)[u] = state_code(h, row.scale);
  }

  static void lstm(const RnnStep& step) {
    const size_t hidden = step.hidden;
    for (size_t b = 0; b < step.rows; ++b) {
      const RnnRow& row = step.row[b];
      for (size_t u = 0; u < hidden; ++u) {
        const auto sum = [&](size_t g) {
          const size_t at = g * hidden + u;
          return gate(step, 4, at, row.state, row.scale, row.gates[at]);
        };
        const float i = math::sigmoid(sum(0)), o = math::sigmoid(sum(1)), f = math::sigmoid(sum(2));
        row.cell[u] = std::fma(f, row.cell[u], i * math::tanh(sum(3)));
        store(row, u, o * math::tanh(row.cell[u]));
      }
    }
  }

  static void gru_row(const RnnStep& step, const RnnRow& row) {
    const size_t hidden = step.hidden;
    const auto sum = [&](size_t g, size_t u, const void* state, float initial) {
      return gate(step, 3, g * hidden + u, state, row.scale, initial);
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
        const float recurrent = sum(2, u, row.state, bias);
        finish(u, z, std::fma(r, recurrent, row.gates[2 * hidden + u]));
      } else {
        row.sums[u] = z;
        static_cast<Code*>(row.reset_state)[u] = state_code(r * row.hidden[u], row.scale);
      }
    }
    if (step.linear_before_reset) return;
    for (size_t u = 0; u < hidden; ++u)
      finish(u, row.sums[u], sum(2, u, row.reset_state, row.gates[2 * hidden + u]));
  }

  static void gru(const RnnStep& step) {
    for (size_t b = 0; b < step.rows; ++b) gru_row(step, step.row[b]);
  }

  static constexpr RnnCell table() {
    return {packed_bytes, pack, state_bytes, encode, lstm, gru, Codes::kMost};
  }
};

}  // namespace

extern const RnnS8 rnn_s8_scalar;
const RnnS8 rnn_s8_scalar = {Cell<RnnWords, int16_t>::table(), Cell<RnnBytes, int8_t>::table()};

}  // namespace octet::kernels
